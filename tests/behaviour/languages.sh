#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The run-time systems of languages, which start threads and processes in ways of their own, do in a view what they do
# outside: Python's multiprocessing, Perl, Node's workers and children, Java's threads and processes, Go's preemption.
# timeout: 300
. "$(dirname "$0")/../lib.sh"

fresh_dir D
fresh_dir work
cd "$work" || exit 1

cat >mp.py <<'END'
import concurrent.futures, multiprocessing, os, signal, subprocess, tempfile, threading, time

def square(n):
    with tempfile.TemporaryFile(dir=".") as f:
        f.write(str(n * n).encode())
        f.seek(0)
        return int(f.read())

def main():
    for method in ("fork", "spawn", "forkserver"):
        context = multiprocessing.get_context(method)
        with context.Pool(4) as pool:
            print(method, sum(pool.map(square, range(200))))
        q = context.Queue()
        p = context.Process(target=q.put, args=(method,))
        p.start()
        print(q.get(), p.join(), p.exitcode)
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        print("threads", sum(pool.map(square, range(500))))
    with multiprocessing.Manager() as manager:
        d = manager.dict()
        ps = [multiprocessing.Process(target=d.__setitem__, args=(i, i)) for i in range(10)]
        [p.start() for p in ps]; [p.join() for p in ps]
        print("manager", sorted(d.keys()))
    from multiprocessing import shared_memory
    s = shared_memory.SharedMemory(create=True, size=4096)
    s.buf[0] = 7
    other = shared_memory.SharedMemory(s.name)
    print("shared memory", other.buf[0])
    other.close(); s.close(); s.unlink()
    print("subprocess", subprocess.run(["sh", "-c", "echo out; exit 3"], capture_output=True, cwd="/").returncode)
    try:
        subprocess.run(["sleep", "100"], timeout=0.2)
    except subprocess.TimeoutExpired:
        print("timeout expired")
    hits = []
    signal.signal(signal.SIGALRM, lambda *_: hits.append(1))
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    print("under signals", sum(square(i) for i in range(300)), bool(hits))
    signal.setitimer(signal.ITIMER_REAL, 0)

if __name__ == "__main__":
    main()
END
cat >p.pl <<'END'
use strict; use IO::Socket::UNIX; use File::Temp;
my @k = map { my $p = fork // die; if (!$p) { my $t = File::Temp->new(DIR => "."); print $t "x" x 1000; close $t; exit(-s "$t" == 1000 ? $_ : 99) } $p } 1 .. 20;
my $sum = 0; for (@k) { waitpid($_, 0); $sum += $? >> 8 } print "forks $sum\n";
my $l = IO::Socket::UNIX->new(Local => "perl.sock", Listen => 5) or die;
if (!fork) { my $c = $l->accept; print $c "hello\n"; exit }
my $s = IO::Socket::UNIX->new(Peer => "perl.sock") or die; print "socket ", <$s>; wait; unlink "perl.sock";
$SIG{ALRM} = sub { die "alarm\n" }; eval { alarm 1; system("mkfifo", "perl.fifo"); open(my $f, "<", "perl.fifo") or die "open: $!\n"; }; print "fifo: $@"; unlink "perl.fifo";
print "pipe ", `sh -c 'echo through; exit 2'`, $? >> 8, "\n";
END
cat >answer.js <<'END'
process.on('message', m => process.send(m + 1, () => process.disconnect()));
END
cat >n.js <<'END'
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const fs = require('fs'), cp = require('child_process'), net = require('net');
if (!isMainThread) {
  for (let i = 0; i < 50; i++) { const f = `n-${workerData}-${i}`; fs.writeFileSync(f, 'x'); fs.statSync(f); fs.unlinkSync(f); }
  parentPort.postMessage(workerData);
} else (async () => {
  const done = await Promise.all([...Array(8).keys()].map(i => new Promise((ok, bad) => { const w = new Worker(__filename, { workerData: i }); w.on('message', ok); w.on('error', bad); })));
  console.log('workers', done.join());
  const names = [...Array(100).keys()].map(i => `a-${i}`);
  await Promise.all(names.map(n => fs.promises.writeFile(n, n)));
  console.log('files', (await Promise.all(names.map(n => fs.promises.readFile(n, 'utf8')))).every((t, i) => t === names[i]));
  await Promise.all(names.map(n => fs.promises.unlink(n)));
  console.log('children', (await Promise.all([...Array(20).keys()].map(i => new Promise(ok => cp.execFile('sh', ['-c', `echo ${i}`], (e, out) => ok(out.trim())))))).join());
  console.log('sync', cp.spawnSync('sh', ['-c', 'exit 4']).status, cp.execSync('pwd').toString().trim() === process.cwd());
  const fork = cp.fork('./answer.js');
  console.log('fork', await new Promise(ok => { fork.on('message', ok); fork.send(41); }));
  const server = net.createServer(c => c.end('bye')).listen('node.sock');
  console.log('socket', await new Promise(ok => server.on('listening', () => net.connect('node.sock').on('data', d => ok(d.toString())))));
  server.close();
  fs.mkdirSync('watched');
  const seen = new Promise(ok => fs.watch('watched', (e, n) => ok(n)));
  fs.writeFileSync('watched/x', '');
  console.log('watch', await seen);
  fs.rmSync('watched', { recursive: true });
  console.log('done');
  process.exit(0);
})();
END
cat >J.java <<'END'
import java.io.*; import java.nio.file.*; import java.util.*; import java.util.concurrent.*;
public class J {
  public static void main(String[] a) throws Exception {
    ExecutorService e = Executors.newFixedThreadPool(30);
    List<Future<Integer>> l = new ArrayList<>();
    for (int i = 0; i < 300; i++) { final int k = i; l.add(e.submit(() -> { Path p = Path.of("j-" + k); Files.writeString(p, "" + k); int n = Integer.parseInt(Files.readString(p)); Files.delete(p); return n; })); }
    int s = 0; for (Future<Integer> f : l) s += f.get(); e.shutdown();
    System.out.println("files " + s);
    Process p = new ProcessBuilder("sh", "-c", "cat; exit 5").directory(new File("/")).start();
    p.getOutputStream().write("through".getBytes()); p.getOutputStream().close();
    System.out.println("process " + new String(p.getInputStream().readAllBytes()) + " " + p.waitFor());
    for (int i = 0; i < 10; i++) { byte[][] m = new byte[100][]; for (int k = 0; k < 100; k++) m[k] = new byte[100000]; System.gc(); }
    Path d = Files.createDirectory(Path.of("jd")); Files.createFile(d.resolve("b")); Files.move(d.resolve("b"), d.resolve("c"), StandardCopyOption.ATOMIC_MOVE);
    try (var ds = Files.newDirectoryStream(d)) { for (Path x : ds) System.out.println("entry " + x); }
    Files.delete(d.resolve("c")); Files.delete(d);
  }
}
END
cat >g.go <<'END'
package main

import ("fmt"; "os"; "os/exec"; "sync"; "time")

func main() {
	var wg sync.WaitGroup
	var mu sync.Mutex
	stop := make(chan bool)
	for i := 0; i < 4; i++ { go func() { n := 0; for { select { case <-stop: return; default: n++ } } }() } // preempted by SIGURG
	sum := 0
	for i := 0; i < 100; i++ { wg.Add(1); go func(i int) { defer wg.Done(); for k := 0; k < 20; k++ { f := fmt.Sprintf("g-%d-%d", i, k); if os.WriteFile(f, []byte(f), 0600) != nil { return }; b, _ := os.ReadFile(f); if string(b) == f && os.Remove(f) == nil { mu.Lock(); sum++; mu.Unlock() } } }(i) }
	wg.Wait()
	fmt.Println("files", sum)
	for i := 0; i < 20; i++ { wg.Add(1); go func() { defer wg.Done(); exec.Command("sh", "-c", "exit 0").Run() }() }
	wg.Wait()
	out, err := exec.Command("sh", "-c", "echo through; exit 6").CombinedOutput()
	fmt.Print("exec ", string(out), err, "\n")
	time.Sleep(50 * time.Millisecond)
	close(stop)
}
END

# same NAME WORDS CMD...: CMD says in a view what it says outside of it, WORDS in its last line (it went to its end)
same() {
	local name=$1 words=$2 native view
	shift 2
	native=$(timeout 100 "$@" 2>&1) || fail "$name fails natively: $native"
	printf "%s\n" "$native" | tail -n 1 | grep -qF "$words" || fail "$name does not come to its end natively: $native"
	view=$(timeout 100 "$UMVIEW" --norc $UMVIEW_FLAGS --cow "$D" "$@" 2>&1) || fail "$name fails in a view: $view"
	[ "$native" = "$view" ] || fail "$name: natively $native; in a view $view"
	view=$(timeout 100 "$UMVIEW" --norc $UMVIEW_FLAGS --cow "$D" --su "$@" 2>&1) || fail "$name fails in a view of root's: $view"
	[ "$native" = "$view" ] || fail "$name: natively $native; in a view of root's $view"
	printf '%s: the same\n' "$name"
}

PY=$(command -v /usr/bin/python3 || command -v python3)
same python "under signals" "$PY" -B mp.py
same perl 2 perl p.pl
if command -v node >/dev/null; then same node done node n.js; else not_tried "node is missing"; fi
if command -v javac >/dev/null; then
	javac J.java || fail "javac fails"
	same java entry java -cp . -Xmx256m J
else
	not_tried "there is no java compiler"
fi
if command -v go >/dev/null; then
	HOME=$work GOFLAGS=-mod=mod GO111MODULE=off go build -o g g.go || fail "go build fails"
	same go "exit status 6" ./g
else
	not_tried "there is no go compiler"
fi
