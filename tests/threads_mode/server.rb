# A thread for each connection, by Ruby's WEBrick: gives the page of each number.
# Usage: server.rb PORT. Ends on SIGTERM.
require 'webrick'
FIRST = (0...20_000).map { |i| (i * 13 + i / 256) & 255 }
quiet = WEBrick::Log.new(nil, WEBrick::Log::FATAL)
server = WEBrick::HTTPServer.new(Port: ARGV[0].to_i, BindAddress: '127.0.0.1', MaxClients: 1000, Logger: quiet, AccessLog: [])
server.mount_proc('/') do |request, response|
  number = request.path[1..].to_i
  response.body = FIRST.map { |byte| (byte + number * 7) & 255 }.pack('C*')
end
trap('TERM') { server.shutdown }
server.start
