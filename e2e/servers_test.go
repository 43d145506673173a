package e2e

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/lib/pq"

	"github.com/openwechatpay/wechatpay/webhook/sqlonce"
	"github.com/openwechatpay/wechatpay/webhook/webhooktest"
)

// This file runs database servers. Each is started when a test wants it first, serves all tests of the
// binary, each in a database of its own, and ends with the binary, however that ends: a process of its own
// keeps it, stops it when its standard input closes, and removes what it wrote. It listens on a
// socket in its directory only.

// kind is a kind of database server.
type kind struct {
	driver  string
	first   string // a database that is there from the beginning
	prepare func(ctx context.Context, programs, dir string) *exec.Cmd
	serve   func(programs, dir string) *exec.Cmd
	ready   string    // what it prints when it takes connections
	stop    os.Signal // whatever becomes of its data
	dsn     func(dir, database string) string
	program string        // the one to serve
	places  []string      // patterns of directories that have it where PATH does not
	within  time.Duration // it is ready, or never will be
}

var kinds = map[string]*kind{
	"postgresql": {
		driver: "postgres",
		first:  "postgres",
		prepare: func(ctx context.Context, programs, dir string) *exec.Cmd {
			return exec.CommandContext(ctx, filepath.Join(programs, "initdb"), "-D", dir+"/data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
		},
		serve: func(programs, dir string) *exec.Cmd {
			return exec.Command(filepath.Join(programs, "postgres"), "-D", dir+"/data", "-c", "listen_addresses=", "-c", "unix_socket_directories="+dir,
				"-c", "fsync=off", "-c", "max_connections=300")
		},
		ready: "database system is ready to accept connections",
		stop:  syscall.SIGQUIT,
		dsn: func(dir, database string) string {
			return fmt.Sprintf("host=%s user=postgres dbname=%s sslmode=disable", dir, database)
		},
		program: "postgres",
		places:  []string{"/usr/lib/postgresql/*/bin"},
		within:  patience,
	},
	"mariadb": {
		driver: "mysql",
		prepare: func(ctx context.Context, _, dir string) *exec.Cmd {
			return exec.CommandContext(ctx, "mariadb-install-db", "--no-defaults", "--datadir="+dir+"/data", "--auth-root-authentication-method=normal",
				"--skip-test-db", "--skip-name-resolve", "--innodb-log-file-size=8M")
		},
		serve: func(programs, dir string) *exec.Cmd {
			return exec.Command(filepath.Join(programs, "mariadbd"), "--no-defaults", "--datadir="+dir+"/data", "--socket="+dir+"/socket", "--pid-file="+dir+"/pid",
				"--tmpdir="+dir, "--skip-networking", "--innodb-log-file-size=8M", "--innodb-flush-log-at-trx-commit=0", "--max-connections=300")
		},
		ready:   "ready for connections",
		stop:    syscall.SIGKILL,
		dsn:     func(dir, database string) string { return fmt.Sprintf("root@unix(%s/socket)/%s", dir, database) },
		program: "mariadbd",
		places:  []string{"/usr/sbin", "/usr/local/sbin"},
		within:  patience,
	},
	"mute":      broken("echo I am not well >&2; exec sleep 600", 5*time.Second),
	"rambling":  broken("echo I am not well >&2; head -c 100000 /dev/zero >&2; exec sleep 600", patience),
	"exhausted": broken("echo I am not well >&2", patience),
}

// broken is a server that is never ready.
func broken(script string, within time.Duration) *kind {
	return &kind{
		prepare: func(ctx context.Context, _, _ string) *exec.Cmd { return exec.CommandContext(ctx, "true") },
		serve:   func(_, _ string) *exec.Cmd { return exec.Command("sh", "-c", script) },
		ready:   "ready", stop: syscall.SIGKILL, program: "sh", within: within,
	}
}

// server is a database server that runs.
type server struct {
	*kind
	dir   string
	admin *sql.DB
	made  atomic.Int64 // databases
}

// servers start the servers, by their kinds.
var servers = map[string]func() (*server, error){
	"postgresql": sync.OnceValues(func() (*server, error) { return startServer("postgresql") }),
	"mariadb":    sync.OnceValues(func() (*server, error) { return startServer("mariadb") }),
}

// database makes an empty database on a server of this kind, and tells how to connect to it with
// sql.Open(kinds[name].driver, dsn), from other processes, too.
func database(t *testing.T, name string) (dsn string) {
	t.Helper()
	s, err := servers[name]()
	if err != nil {
		t.Fatal(err)
	}
	made := fmt.Sprintf("test%d", s.made.Add(1))
	if _, err := s.admin.ExecContext(t.Context(), "CREATE DATABASE "+made); err != nil {
		t.Fatal(err)
	}
	return s.dsn(s.dir, made)
}

// openDatabase connects to a database until the test ends.
func openDatabase(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // which tells about connections that were cut
	return db
}

// kept are the processes that keep servers, with what each waits for the end of.
var kept struct {
	sync.Mutex
	processes []*exec.Cmd
	leases    []io.Closer
}

// stopServers has the servers stopped and removed.
func stopServers() {
	kept.Lock()
	defer kept.Unlock()
	for _, in := range kept.leases {
		_ = in.Close()
	}
	for _, process := range kept.processes {
		if err := process.Wait(); err != nil {
			fmt.Fprintln(os.Stderr, "a server was not stopped and removed:", err)
		}
	}
}

func startServer(name string) (*server, error) {
	keeper := exec.Command(os.Args[0])
	keeper.Env = append(os.Environ(), roleEnv+"=keep a server", kindEnv+"="+name)
	keeper.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that Ctrl-C does not take it before its work is done
	in, err := keeper.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := keeper.StdoutPipe()
	if err != nil {
		return nil, err
	}
	var stderr bytes.Buffer
	keeper.Stderr = &stderr
	if err := keeper.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil { // it ended
		_ = in.Close()
		return nil, fmt.Errorf("%s does not start: %w, %s", name, keeper.Wait(), &stderr)
	}
	kept.Lock()
	defer kept.Unlock()
	kept.processes, kept.leases = append(kept.processes, keeper), append(kept.leases, in)
	s := &server{kind: kinds[name], dir: strings.TrimSpace(line)}
	s.admin, err = sql.Open(s.driver, s.dsn(s.dir, s.first))
	return s, err
}

// kindEnv tells keepServer what to keep.
const kindEnv = "E2E_KIND"

// keepServer is the process that keeps a server. It prints the directory of one that is ready.
func keepServer() (err error) {
	k := kinds[os.Getenv(kindEnv)]
	if k == nil {
		return errors.New("there is no such kind of server")
	}
	programs, err := k.find()
	if err != nil {
		return err
	}
	ready, cancel := context.WithTimeoutCause(context.Background(), k.within, fmt.Errorf("the server is not ready after %v", k.within))
	defer cancel()
	dir, err := os.MkdirTemp("", "e2e")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	prepare, serve := k.prepare(ready, programs, dir), k.serve(programs, dir)
	prepare.WaitDelay = time.Second // for what its own processes hold
	for _, cmd := range []*exec.Cmd{prepare, serve} {
		if err := humble(cmd, dir); err != nil {
			return err
		}
	}
	if out, err := prepare.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: run make deps\n%s", err, out)
	}
	return keep(ready, serve, k, dir)
}

// keep serves until the binary that wants the server is gone, or until ready ends and the server is not.
func keep(ready context.Context, serve *exec.Cmd, k *kind, dir string) error {
	log, err := serve.StderrPipe()
	if err != nil {
		return err
	}
	if err := serve.Start(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	go func() { // the binary that wants the server closes this, or dies, which does so too
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel(nil)
	}()
	context.AfterFunc(ctx, func() { _ = serve.Process.Signal(k.stop) })
	inTime := context.AfterFunc(ready, func() { cancel(context.Cause(ready)) })
	var said []string
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		said = append(said, lines.Text())
		if strings.Contains(lines.Text(), k.ready) && inTime() {
			fmt.Println(dir)
			break
		}
	}
	if err := lines.Err(); err != nil {
		cancel(err)
	}
	_, _ = io.Copy(io.Discard, log) // until it has ended
	stopped := context.Cause(ctx)
	err = serve.Wait()
	if stopped == nil {
		stopped = errors.Join(errors.New("the server ended by itself"), err)
	}
	if errors.Is(stopped, context.Canceled) {
		return nil
	}
	return fmt.Errorf("%w\n%s", stopped, strings.Join(said, "\n"))
}

// find tells which directory has the programs, of several versions the newest.
func (k *kind) find() (string, error) {
	if path, err := exec.LookPath(k.program); err == nil {
		return filepath.Dir(path), nil
	}
	var found []string
	for _, pattern := range k.places {
		paths, err := filepath.Glob(filepath.Join(pattern, k.program))
		if err != nil {
			return "", err
		}
		found = append(found, paths...)
	}
	if len(found) == 0 {
		return "", fmt.Errorf("there is no %s: run make deps", k.program)
	}
	return filepath.Dir(slices.Max(found)), nil
}

// humble has cmd work in dir, and as nobody if this is root, whom database servers refuse.
func humble(cmd *exec.Cmd, dir string) error {
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "HOME="+dir)
	if os.Getuid() != 0 {
		return nil
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return err
	}
	uid, err := strconv.ParseUint(nobody.Uid, 10, 32)
	if err != nil {
		return err
	}
	gid, err := strconv.ParseUint(nobody.Gid, 10, 32)
	if err != nil {
		return err
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	return os.Chown(dir, int(uid), int(gid))
}

func TestAServerThatIsNeverReadyIsGivenUp(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"mute": "not ready after 5s", "rambling": bufio.ErrTooLong.Error(), "exhausted": "ended by itself"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := startServer(name)
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "I am not well") {
				t.Errorf("it gives %v, want …%s… and what it said", err, want)
			}
		})
	}
}

// holdServers is a binary that starts servers and a receiver, and does not end.
func holdServers() error {
	for _, start := range servers {
		s, err := start()
		if err != nil {
			return err
		}
		fmt.Println(s.dir)
	}
	sender, err := webhooktest.NewSender()
	if err != nil {
		return err
	}
	var p posted
	if p.post, err = newPost(sender, "mariadb", sqlonce.MariaDB, "/nowhere"); err != nil { // it is sent nothing
		return err
	}
	if err := p.start(); err != nil {
		return err
	}
	fmt.Println(*p.address.Load())
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func TestServersAndReceiversEndWithABinaryThatIsKilled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	binary := exec.CommandContext(ctx, os.Args[0])
	binary.Env = append(os.Environ(), roleEnv+"=hold servers")
	in, err := binary.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := binary.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	binary.Stderr = &stderr
	if err := binary.Start(); err != nil {
		t.Fatal(err)
	}
	var found []string // the directories of the servers, and where the receiver listens
	for lines := bufio.NewScanner(out); len(found) < len(servers)+1 && lines.Scan(); {
		found = append(found, lines.Text())
	}
	_ = binary.Process.Kill()
	_ = binary.Wait()
	if len(found) != len(servers)+1 {
		t.Fatalf("it starts only %q: %s", found, &stderr)
	}
	for _, place := range found {
		for isThere(place) {
			if ctx.Err() != nil {
				t.Fatalf("%s is still there", place)
			}
			<-time.After(time.Millisecond)
		}
	}
}

// isThere tells whether there is a directory, or somebody who listens.
func isThere(place string) bool {
	if filepath.IsAbs(place) {
		_, err := os.Stat(place)
		return !errors.Is(err, os.ErrNotExist)
	}
	conn, err := net.Dial("tcp", place)
	if err == nil {
		_ = conn.Close()
	}
	return err == nil
}
