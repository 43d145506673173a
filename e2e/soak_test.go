package e2e

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"database/sql"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/v3/pay"
	"github.com/openwechatpay/wechatpay/webhook"
	"github.com/openwechatpay/wechatpay/webhook/sqlonce"
	"github.com/openwechatpay/wechatpay/webhook/webhooktest"
)

// This file sends notifications to two receivers that share a database and are killed all the time. Whatever
// happens to them, at the end each amount was booked once.

// post is a receiver that listens: what it opens notifications with, and where it books.
type post struct {
	Kind      string
	Dialect   sqlonce.Dialect
	DSN       string
	Serial    string
	PublicKey string
	APIv3Key  string
}

const postEnv = "E2E_POST"

// takePost is the receiver. It prints where it listens, and works until it is killed, or the binary that started
// it is.
func takePost() error {
	var p post
	if err := json.Unmarshal([]byte(os.Getenv(postEnv)), &p); err != nil {
		return err
	}
	public, err := auth.ParsePublicKey([]byte(p.PublicKey))
	if err != nil {
		return err
	}
	verifier, err := auth.NewVerifier(auth.PublicKey(p.Serial, public))
	if err != nil {
		return err
	}
	opens, err := webhook.New(webhook.Merchant{Verifier: verifier, APIv3Key: p.APIv3Key})
	if err != nil {
		return err
	}
	db, err := sql.Open(kinds[p.Kind].driver, p.DSN)
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	store, err := sqlonce.New(db, p.Dialect)
	if err != nil {
		return err
	}
	mux, err := webhook.NewMux(opens, webhook.Remember(store), webhook.Log(slog.New(slog.NewTextHandler(os.Stderr, nil))))
	if err != nil {
		return err
	}
	book := "INSERT INTO booked (no, amount) VALUES ($1, $2)"
	if p.Dialect != sqlonce.PostgreSQL {
		book = "INSERT INTO booked (no, amount) VALUES (?, ?)"
	}
	webhook.On(mux, func(ctx context.Context, e webhook.Event[pay.TransactionSuccess]) error {
		_, err := sqlonce.Tx(ctx).ExecContext(ctx, book, e.Data.OutTradeNo, e.Data.Amount.Total)
		return err
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	http.Handle("/", mux)
	http.HandleFunc("GET /needs", func(w http.ResponseWriter, _ *http.Request) {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		_ = json.NewEncoder(w).Encode(needs{int(m.HeapAlloc), runtime.NumGoroutine()})
	})
	go func() { // the binary holds the other end, until it dies
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = l.Close()
	}()
	fmt.Println(l.Addr())
	return http.Serve(l, nil)
}

// newPost is for receivers of what sender sends.
func newPost(sender *webhooktest.Sender, kind string, dialect sqlonce.Dialect, dsn string) (post, error) {
	key := sender.PlatformKey()
	der, err := x509.MarshalPKIXPublicKey(key.Public)
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	return post{kind, dialect, dsn, key.Serial, string(text), sender.Merchant().APIv3Key}, err
}

// posted is a receiver that is killed and started again.
type posted struct {
	post    post
	process *exec.Cmd
	stderr  bytes.Buffer // of all its lives; read it when it is dead
	address atomic.Pointer[string]
}

func (p *posted) start() error {
	text, err := json.Marshal(p.post)
	if err != nil {
		return err
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleEnv+"=take a post", postEnv+"="+string(text))
	cmd.Stderr = &p.stderr
	if _, err := cmd.StdinPipe(); err != nil { // which closes when this is killed, or the receiver
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	p.process = cmd
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		p.kill()
		return fmt.Errorf("a receiver does not start: %w\n%s", err, &p.stderr)
	}
	address := strings.TrimSpace(line)
	p.address.Store(&address)
	return nil
}

func (p *posted) kill() {
	_ = p.process.Process.Kill()
	_ = p.process.Wait()
}

// needs is what a receiver needs when all that is unused is collected.
type needs struct{ Heap, Goroutines int }

func (p *posted) needs(t *testing.T, client *http.Client) (n needs) {
	t.Helper()
	res, err := client.Get("http://" + *p.address.Load() + "/needs")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// soak is how much comes, and how often.
const (
	kills      = 5  // of each receiver
	senders    = 16 // at once
	duplicates = 20 // of a hundred are sent again, by another line
	reordered  = 10 // of a hundred come after many that follow them
)

// TestReceiversThatAreKilledBookEachAmountOnce: E2E_NOTIFICATIONS tells how many come, which make soak raises.
func TestReceiversThatAreKilledBookEachAmountOnce(t *testing.T) {
	count := 1500
	if text := os.Getenv("E2E_NOTIFICATIONS"); text != "" {
		var err error
		if count, err = strconv.Atoi(text); err != nil || count < 100 {
			t.Fatalf("E2E_NOTIFICATIONS is %q, want a number from 100 on", text)
		}
	}
	for _, on := range []system{postgreSQL, mariaDB} {
		t.Run(on.name, func(t *testing.T) { soaked(t, &on, count) })
	}
}

func soaked(t *testing.T, on *system, count int) {
	sender, err := webhooktest.NewSender()
	if err != nil {
		t.Fatal(err)
	}
	s := openShop(t, on)
	s.exec("CREATE TABLE booked (no VARCHAR(64) NOT NULL, amount BIGINT NOT NULL)")
	p, err := newPost(sender, s.kind, s.dialect, s.dsn)
	if err != nil {
		t.Fatal(err)
	}
	receivers := [2]*posted{{post: p}, {post: p}}
	for _, r := range receivers {
		if err := r.start(); err != nil {
			t.Fatal(err)
		}
		defer r.kill()
	}

	var arrived atomic.Int64 // deliveries that were taken
	queue, sum, deliveries := events(count)
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: senders}}
	var killers, lines sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	killers.Go(func() {
		if err := killAll(receivers[:], &arrived, int64(deliveries)); err != nil {
			cancel()
			t.Error(err)
		}
	})
	var refused atomic.Int64
	for range senders {
		lines.Go(func() {
			for e := range queue {
				n, err := e.deliver(ctx, sender, client, receivers[:])
				refused.Add(int64(n))
				if err != nil {
					t.Error(err)
				}
				arrived.Add(1)
			}
		})
	}
	lines.Wait()
	killers.Wait()
	if t.Failed() {
		for _, r := range receivers {
			r.kill()
			t.Logf("a receiver said last: %s", last(r.stderr.String(), 2000))
		}
		return
	}

	more := flat(t, receivers[:], sender, client, count) // of 1 fen each
	var rows, numbers, booked int64
	if err := s.db.QueryRowContext(t.Context(), "SELECT COUNT(*), COUNT(DISTINCT no), SUM(amount) FROM booked").Scan(&rows, &numbers, &booked); err != nil {
		t.Fatal(err)
	}
	all := int64(count + more)
	if rows != all || numbers != all || booked != sum+int64(more) {
		t.Errorf("booked %d amounts of %d orders, %d fen in all; want %d, %d, %d", rows, numbers, booked, all, all, sum+int64(more))
	}
	t.Logf("%d notifications in %d deliveries, and %d more that failed; booked %d amounts, %d fen; %d kills", all, deliveries+more, refused.Load(), rows, booked, kills*len(receivers))
}

// flat sends about as many again in two rounds, and tells how many. In the second the receivers must not need
// more than after the first: a notification that stays would show with its kilobyte.
func flat(t *testing.T, receivers []*posted, sender *webhooktest.Sender, client *http.Client, count int) (sent int) {
	t.Helper()
	const margin = 256 << 10 // what connections and buffers come to
	round := func(name string) (all [2]needs) {
		var lines sync.WaitGroup
		var next atomic.Int64
		for range senders {
			lines.Go(func() {
				for n := next.Add(1); n <= int64(count/2); n = next.Add(1) {
					e := notified{no: fmt.Sprint(name, n), id: fmt.Sprint(name, n), amount: 1}
					if _, err := e.deliver(t.Context(), sender, client, receivers); err != nil {
						t.Error(err)
					}
				}
			})
		}
		lines.Wait()
		for i, r := range receivers {
			all[i] = r.needs(t, client)
		}
		return all
	}
	before, after := round("first"), round("second")
	t.Logf("after %d more, and again after as many, the receivers have %v and %v bytes and goroutines", count/2, before, after)
	for i := range receivers {
		if after[i].Heap > before[i].Heap+margin || after[i].Goroutines > before[i].Goroutines+2*senders {
			t.Errorf("a receiver has %v bytes and goroutines, and had %v", after[i], before[i])
		}
	}
	return 2 * (count / 2)
}

// killAll kills the receivers in turns while notifications arrive, and starts them again.
func killAll(receivers []*posted, arrived *atomic.Int64, deliveries int64) error {
	turns := int64(kills * len(receivers))
	for turn := range turns {
		for deadline := time.Now().Add(10 * time.Minute); arrived.Load() < deliveries*(turn+1)/(turns+2); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				return fmt.Errorf("only %d deliveries arrived", arrived.Load())
			}
		}
		r := receivers[turn%int64(len(receivers))]
		r.kill()
		if err := r.start(); err != nil {
			return err
		}
	}
	return nil
}

// notified is a notification of an amount.
type notified struct {
	id, no string
	amount int64
}

// events are deliveries of count notifications, some doubled, some late, the amounts' sum, and how many there are.
func events(count int) (queue <-chan notified, sum int64, deliveries int) {
	order := rand.New(rand.NewPCG(6, 2026))
	var all []notified
	for i := range count {
		e := notified{id: fmt.Sprintf("EV-%06d", i), no: fmt.Sprintf("N%06d", i), amount: 1 + order.Int64N(100_000)}
		sum += e.amount
		all = append(all, e)
		if order.IntN(100) < duplicates {
			all = append(all, e) // at once, through another line
		}
	}
	for i := range all {
		if order.IntN(100) < reordered {
			j := min(i+order.IntN(500), len(all)-1)
			all[i], all[j] = all[j], all[i]
		}
	}
	c := make(chan notified, len(all))
	for _, e := range all {
		c <- e
	}
	close(c)
	return c, sum, len(all)
}

// deliver sends the notification until one of the receivers has taken it, and counts what failed.
func (e notified) deliver(ctx context.Context, sender *webhooktest.Sender, client *http.Client, receivers []*posted) (failed int, err error) {
	var paid pay.TransactionSuccess
	paid.OutTradeNo, paid.TransactionID, paid.TradeState = e.no, "42000"+e.no, "SUCCESS"
	paid.Amount.Total = e.amount
	for try := range 150 { // ten seconds and more
		if err := ctx.Err(); err != nil {
			return failed, err
		}
		d, err := sender.Sign(paid, webhooktest.ID(e.id))
		if err != nil {
			return failed, err
		}
		req, err := d.Request(ctx, "http://"+*receivers[rand.IntN(len(receivers))].address.Load()+"/")
		if err != nil {
			return failed, err
		}
		res, err := client.Do(req)
		if err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
			if res.StatusCode == http.StatusNoContent {
				return failed, nil
			}
			if res.StatusCode < 500 {
				return failed, fmt.Errorf("%s was answered %s", e.id, res.Status)
			}
		}
		failed++
		time.Sleep(time.Duration(try) * time.Millisecond)
	}
	return failed, errors.New(e.id + " was never taken")
}

// last is the end of a text.
func last(text string, n int) string { return text[max(0, len(text)-n):] }
