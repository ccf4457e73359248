# Perl: sockets, forks, alarms in blocking calls, pipes, environment, locks, threads. Prints what each step gave.
use strict;
use warnings;
use Config;
use Fcntl qw(:flock F_GETFL F_SETFL O_NONBLOCK);
use IO::Select;
use IO::Socket::INET;
use POSIX qw(:sys_wait_h setlocale LC_ALL dup2);
use Socket;
use Time::HiRes qw(sleep alarm time);
$| = 1;

# A forking server and its clients
my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 64, ReuseAddr => 1) or die $@;
my $server = fork // die;
if (!$server) {
  local $SIG{CHLD} = sub { 1 while waitpid(-1, WNOHANG) > 0 };
  for (1 .. 10) {
    my $peer;
    redo unless $peer = $listener->accept;    # SIGCHLD interrupts it
    next if fork;
    while (my $line = <$peer>) { print $peer scalar reverse(chomp($line) ? $line : $line), "\n" }
    POSIX::_exit(0);
  }
  POSIX::_exit(0);
}
my @answers;
for my $number (1 .. 10) {
  my $peer = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $listener->sockport, Timeout => 50) or die $@;
  print $peer "client $number\n";
  push @answers, scalar <$peer>;
}
chomp @answers;
waitpid $server, 0;
print "server: @answers, status $?\n";

# An alarm that ends a blocking read, one that dies out of it, one that cuts a sleep
pipe my $reading, my $writing or die;
{
  # It comes again: the first may be earlier than the call.
  local $SIG{ALRM} = sub { };
  alarm 0.05, 0.05;
  print 'sysread: ', defined sysread($reading, my $byte, 1) ? 'read' : "$!", "\n";
  alarm 0;
  local $SIG{ALRM} = sub { alarm 0; die "alarm\n" };
  eval { alarm 0.05, 0.05; sysread $reading, my $byte, 1; };
  print "died: $@";
  eval { alarm 0.05, 0.05; sleep 1000; };
  print "slept: $@";
  eval { alarm 0.05, 0.05; wait; select undef, undef, undef, 1000; };
  print "selected: $@";
  alarm 0;
}

# select with four arguments, IO::Select, O_NONBLOCK
vec(my $bits = '', fileno $reading, 1) = 1;
print 'idle: ', scalar select(my $ready = $bits, undef, undef, 0.05), "\n";
syswrite $writing, 'x';
print 'ready: ', scalar select($ready = $bits, undef, undef, 50), ' ', (IO::Select->new($reading)->can_read(50))[0] == $reading ? 'same' : 'other', "\n";
sysread $reading, my $byte, 1;
fcntl $reading, F_SETFL, fcntl($reading, F_GETFL, 0) | O_NONBLOCK;
print 'non-blocking: ', defined sysread($reading, $byte, 1) ? 'read' : "$!", "\n";
socketpair my $left, my $right, AF_UNIX, SOCK_STREAM, PF_UNSPEC or die;
setsockopt $left, SOL_SOCKET, SO_RCVTIMEO, pack 'l!l!', 0, 50_000;
print 'SO_RCVTIMEO: ', defined recv($left, $byte, 1, 0) ? 'received' : "$!", "\n";
send $right, 'datagram', 0;
recv $left, $byte, 4, MSG_PEEK;
recv $left, my $all, 100, 0;
print "peek: $byte, then $all\n";

# Children through pipes, shells and exec; statuses and signals
open my $child, '-|', 'sh', '-c', 'echo from a child; exit 3' or die;
print 'child: ', <$child>;
close $child;
print 'status ', $? >> 8, ', `', `printf backticks; kill -9 \$\$`, '`, signal ', $? & 127, ', system ', system('sh', '-c', 'exit 5') >> 8, "\n";
open my $sink, '|-', 'cat >written; exit 4' or die;
print $sink 'y' x 300_000;
close $sink;
print 'written ', -s 'written', ', status ', $? >> 8, "\n";
my $pid = open(my $self, '-|') // die;
if (!$pid) { print 'a fork of itself'; POSIX::_exit(0) }
print <$self>, "\n";
close $self;

# Environment
$ENV{COLOUR} = 'red';
print 'environment: ', `printf %s "\$COLOUR"`;
delete $ENV{COLOUR};
print ', ', `printf %s "\${COLOUR-unset}"`, "\n";
{ local %ENV = (PATH => $ENV{PATH}, ONLY => 1); print `env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= | sort`; }

# Locks between processes
open my $lock, '>', 'lock' or die;
flock $lock, LOCK_EX;
if (!fork) {
  open my $other, '>', 'lock' or die;
  print flock($other, LOCK_EX | LOCK_NB) ? "locked\n" : "lock: $!\n";
  POSIX::_exit(0);
}
wait;

# A daemon that closes everything
if (!fork) {
  POSIX::setsid();
  POSIX::_exit(0) if fork;
  POSIX::close($_) for grep { $_ != fileno $writing } 0 .. 255;
  open STDIN, '<', '/dev/null';
  sleep 0.05;
  syswrite $writing, 'daemon ran';
  POSIX::_exit(0);
}
wait;
fcntl $reading, F_SETFL, fcntl($reading, F_GETFL, 0) & ~O_NONBLOCK;
close $writing;
sysread $reading, $all, 100;
print "$all, then ", sysread($reading, $byte, 1), "\n";

# Names
print 'names: ', inet_ntoa(scalar gethostbyname 'localhost'), ' ', join(' ', (getservbyname 'http', 'tcp')[0, 2] // 'none'), "\n";
my ($error, @found) = Socket::getaddrinfo('127.0.0.5', '80', { socktype => SOCK_STREAM });
print "getaddrinfo: '$error' ", join('.', unpack 'C4', (Socket::unpack_sockaddr_in($found[0]{addr}))[1]), "\n";
print 'locale: ', setlocale(LC_ALL, 'C.UTF-8') // 'none', ' ', lc("\x{c4}") eq "\x{e4}" ? 'folds' : 'does not fold', "\n";

if ($Config{useithreads}) {
  require threads;
  require Thread::Queue;
  my $queue = Thread::Queue->new;
  my @threads = map { my $n = $_; threads->create(sub { sleep 0.02; $queue->enqueue($n); return $n * $n }) } 1 .. 5;
  print 'threads: ', join(' ', map { $_->join } @threads), ' ', $queue->pending, "\n";
}
