// Node: servers and clients of its own event loop, children, worker threads, names, files, signals. Prints what each step gave.
const { exec, fork, spawn, spawnSync } = require('child_process')
const cluster = require('cluster')
const dns = require('dns').promises
const fs = require('fs')
const http = require('http')
const net = require('net')
const os = require('os')
const path = require('path')
const util = require('util')
const { pipeline } = require('stream/promises')
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads')

const once = (emitter, event) => new Promise((resolve) => emitter.once(event, resolve))

async function main () {
  const web = http.createServer((request, response) => setTimeout(() => response.end(request.url), 20)).listen(0, '127.0.0.1')
  await once(web, 'listening')
  const base = `http://127.0.0.1:${web.address().port}`
  console.log('http', (await Promise.all(Array.from({ length: 20 }, async (_, n) => (await fetch(`${base}/${n}`)).text()))).join(' '))
  web.closeAllConnections()
  web.close()

  const echo = net.createServer((socket) => socket.pipe(socket)).listen(path.resolve('socket'))
  await once(echo, 'listening')
  const client = net.connect(path.resolve('socket'))
  client.end('x'.repeat(1e6))
  let length = 0
  for await (const piece of client) length += piece.length
  console.log('unix', length)
  echo.close()

  console.log('exec', (await util.promisify(exec)('echo out; echo err >&2')))
  console.log('spawnSync', spawnSync('sh', ['-c', 'cat; exit 3'], { input: 'given' }).stdout.toString(), spawnSync('sh', ['-c', 'kill -9 $$']).signal)
  const cat = spawn('cat')
  cat.stdin.end('through cat')
  let text = ''
  for await (const piece of cat.stdout) text += piece
  console.log(text, await once(cat, 'close'))
  const child = fork(__filename, ['child'])
  child.send({ number: 20 })
  console.log('fork', (await once(child, 'message')).number, await once(child, 'exit'))
  const sleeper = spawn('sleep', ['1000'])
  setTimeout(() => sleeper.kill('SIGTERM'), 50)
  console.log('killed', await new Promise((resolve) => sleeper.on('exit', (code, signal) => resolve(signal))))

  const workers = Array.from({ length: 3 }, (_, n) => new Worker(__filename, { workerData: n }))
  const ended = Promise.all(workers.map((worker) => once(worker, 'exit')))
  console.log('workers', await Promise.all(workers.map((worker) => once(worker, 'message'))), await ended)

  console.log('lookup', (await dns.lookup('localhost', { family: 4 })).address, (await dns.lookup('127.0.0.7')).address)
  fs.writeFileSync('big', Buffer.alloc(3e6, 'abc'))
  await pipeline(fs.createReadStream('big'), require('zlib').createGzip(), require('zlib').createGunzip(), fs.createWriteStream('copy'))
  console.log('stream', fs.readFileSync('big').equals(fs.readFileSync('copy')))
  console.log('refused', await new Promise((resolve) => net.connect(1, '127.0.0.1').on('error', (error) => resolve(error.code))))

  process.env.COLOUR = 'red'
  console.log('environment', spawnSync('sh', ['-c', 'printf %s $COLOUR']).stdout.toString(), os.EOL.length)
  const usr = once(process, 'SIGUSR2')
  const keep = setInterval(() => {}, 1000)
  process.kill(process.pid, 'SIGUSR2')
  console.log('signal', await usr)
  clearInterval(keep)

  cluster.setupPrimary({ exec: __filename, args: ['cluster'] })
  const members = [cluster.fork(), cluster.fork()]
  const left = Promise.all(members.map((member) => once(member, 'exit')))
  await Promise.all(members.map((member) => once(member, 'listening')))
  const [address] = await Promise.all([once(members[0], 'message'), ...members.map((member) => member.send('address'))])
  console.log('cluster', await (await fetch(`http://127.0.0.1:${address.port}`, { headers: { connection: 'close' } })).text())
  members.forEach((member) => member.kill())
  console.log('left', await left)
  process.exitCode = 6
}

if (!isMainThread) {
  const end = Date.now() + 20
  while (Date.now() < end);
  parentPort.postMessage(workerData * 2)
} else if (process.argv[2] === 'child') {
  process.once('message', ({ number }) => process.send({ number: number + 1 }, () => process.exit(4)))
} else if (process.argv[2] === 'cluster') {
  const server = http.createServer((_, response) => response.end('a member')).listen(0, '127.0.0.1')
  process.on('message', () => process.send({ port: server.address().port }))
} else {
  main()
}
