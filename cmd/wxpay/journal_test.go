package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/openwechatpay/wechatpay/sim"
	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/simtest"
	"github.com/openwechatpay/wechatpay/sim/world"
	"github.com/openwechatpay/wechatpay/v3/payscore"
)

// begun is a journal that takes events, until the test ends.
func begun(tb testing.TB, path string) *journal {
	tb.Helper()
	j := newJournal(path)
	if err := errors.Join(j.Replay(func([]byte) error { return nil }), j.begin()); err != nil {
		tb.Fatal(err)
	}
	return j
}

func appendAll(tb testing.TB, j *journal, events ...string) {
	tb.Helper()
	for _, event := range events {
		if err := j.Append([]byte(event)); err != nil {
			tb.Fatal(err)
		}
	}
}

// replayed is what a journal has, and why it has no more.
func replayed(path string) (events []string, err error) {
	j := newJournal(path)
	err = j.Replay(func(event []byte) error {
		events = append(events, string(event))
		return nil
	})
	return events, errors.Join(err, j.Close())
}

func TestAJournalGivesBackWhatItWasGiven(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), journalFile)
	if events, err := replayed(path); len(events) != 0 || err != nil {
		t.Errorf("without a file there are %q, %v", events, err)
	}
	var want []string
	for start := range 3 { // each goes on where the last one ended
		j := begun(t, path)
		events := []string{fmt.Sprint("of start ", start), "", "\x00\xff", strings.Repeat("大", 1<<19), "the last"}
		appendAll(t, j, events...)
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		want = append(want, events...)
		if got, err := replayed(path); !slices.Equal(got, want) || err != nil {
			t.Errorf("after start %d there are %d events, want %d: %v", start, len(got), len(want), err)
		}
	}
	if mode := modeOf(t, path); mode != 0o600 {
		t.Errorf("its mode is %o", mode)
	}
}

// events are enough for a tree of several levels.
func events() []string {
	var all []string
	for i := range 1500 {
		all = append(all, fmt.Sprintf("event %d %s", i, strings.Repeat("x", i%500)))
	}
	return append(all, strings.Repeat("large", 5000))
}

// made is the content of a journal with events.
func made(t *testing.T, events []string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), journalFile)
	j := begun(t, path)
	appendAll(t, j, events...)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// format is a journal of a format.
func format(t *testing.T, text string) []byte {
	t.Helper()
	return bolted(t, func(tx *bolt.Tx) error {
		head, err := tx.CreateBucket(headBucket)
		_, err2 := tx.CreateBucket(eventBucket)
		return errors.Join(err, err2, head.Put(formatKey, []byte(text)))
	})
}

// bolted is the content of a file of bbolt's.
func bolted(t *testing.T, fill func(tx *bolt.Tx) error) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bolt.db")
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(fill), db.Close()); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestAJournalThatDoesNotReadIsLeftAsItIs(t *testing.T) {
	t.Parallel()
	const page = 4096
	whole := made(t, events())
	changed := func(change func(content []byte)) []byte {
		content := slices.Clone(whole)
		change(content)
		return content
	}
	at := bytes.Index(whole, []byte("event 1000 "))
	tests := []struct {
		name    string
		content []byte
		want    string
	}{
		{"empty", nil, "is damaged"},
		{"a text", []byte("three years of work"), "is damaged"},
		{"a longer text", bytes.Repeat([]byte("three years of work"), 1000), "is damaged"},
		{"cut off in its head", whole[:100], "is damaged"},
		{"cut off after its head", whole[:2*page], "is damaged"},
		{"cut off in its middle", whole[:len(whole)/2], "is damaged"},
		{"without its head", changed(func(c []byte) { clear(c[:2*page]) }), "is damaged"},
		{"with an event that is another", changed(func(c []byte) { c[at] = 'E' }), "event 1001 is not as it was written"},
		{"with a page that is empty", changed(func(c []byte) { clear(c[at/page*page:][:page]) }), "is damaged"},
		{"with pages in a circle", changed(func(c []byte) {
			for at := 2 * page; at < len(c); at += page { // every branch leads to itself
				if binary.NativeEndian.Uint16(c[at+8:]) == branchPage {
					binary.NativeEndian.PutUint64(c[at+pageHead+8:], uint64(at/page))
				}
			}
		}), "is reached twice"},
		{"of a newer wxpay", format(t, "2"), "a newer wxpay wrote it, in format 2, and this one reads 1"},
		{"of no format", format(t, "moon"), "its format is no number"},
		{"of another program", bolted(t, func(tx *bolt.Tx) error { _, err := tx.CreateBucket([]byte("cats")); return err }), "it is not the journal of a simulator"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), journalFile)
			writeFile(t, path, string(tt.content))
			_, err := replayed(path)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "it was left as it is") {
				t.Errorf("the error is %v, want %q", err, tt.want)
			}
			if after := contentOf(t, filepath.Dir(path)); len(after) != 1 || after[journalFile] != string(tt.content) {
				t.Error("the file was changed")
			}
		})
	}
}

// Whatever is wrong with a file, it is told in words, and the file stays. Where it does not matter,
// such as on a page that nothing leads to, all events are there.
func TestNoDamageIsOverlooked(t *testing.T) {
	t.Parallel()
	want := events()
	whole := made(t, want)
	random := rand.New(rand.NewPCG(1, 2))
	dir := t.TempDir()
	refused := 0
	for i := range 200 {
		content := slices.Clone(whole)
		at := random.IntN(len(content))
		switch i % 4 {
		case 0:
			content[at] ^= 1 << random.IntN(8)
		case 1: // a header of a page
			content[at/4096*4096+random.IntN(64)] ^= 1 << random.IntN(8)
		case 2:
			clear(content[at:min(len(content), at+random.IntN(10000))])
		case 3:
			content = content[:at]
		}
		path := filepath.Join(dir, fmt.Sprint(i))
		writeFile(t, path, string(content))
		got, err := replayed(path)
		if err != nil {
			refused++
		} else if !slices.Equal(got, want) {
			t.Errorf("damage %d: %d events were read, want %d", i, len(got), len(want))
		} else if j := begun(t, path); j != nil { // what it did not refuse, it can go on with
			appendAll(t, j, "one more")
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			if got, err := replayed(path); err != nil || len(got) != len(want)+1 {
				t.Errorf("damage %d: after another event, there are %d: %v", i, len(got), err)
			}
			continue
		}
		after, readErr := os.ReadFile(path)
		if readErr != nil || err != nil && !bytes.Equal(after, content) {
			t.Errorf("damage %d: the file was changed: %v", i, err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d of 200 were refused", refused)
	if refused < 60 {
		t.Errorf("only %d of 200 were refused", refused)
	}
}

func TestAJournalWhoseEventsAreRefusedIsLeftAsItIs(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), journalFile)
	j := begun(t, path)
	appendAll(t, j, "one", "two", "three")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	before := contentOf(t, filepath.Dir(path))
	refusal := errors.New("not this one")
	again := newJournal(path)
	err := again.Replay(func(event []byte) error {
		if string(event) == "two" {
			return refusal
		}
		return nil
	})
	if !errors.Is(err, refusal) || !strings.Contains(err.Error(), path+": not this one; it was left as it is") {
		t.Errorf("the error is %v", err)
	}
	func() {
		defer func() {
			if p := recover(); p != "a defect" {
				t.Errorf("recovered %v: who reads events panics on his own account", p)
			}
		}()
		_ = newJournal(path).Replay(func([]byte) error { panic("a defect") })
	}()
	if after := contentOf(t, filepath.Dir(path)); after[journalFile] != before[journalFile] {
		t.Error("the file was changed")
	}
}

func TestOnlyOneUsesAJournal(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), journalFile)
	j := begun(t, path)
	defer j.Close()
	want := "another wxpay runs on " + filepath.Dir(path) + ": end it, or choose another directory with --dir"
	if _, err := replayed(path); err == nil || err.Error() != want {
		t.Errorf("the error is %v, want %s", err, want)
	}
}

func TestAJournalThatDoesNotGetToTheDiskTakesNoMore(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), journalFile)
	if err := begun(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	j := newJournal(path)
	db, err := openBolt(path, false)
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("input/output error")
	reports := make(chan error, 100)
	j.report = func(err error) { reports <- err }
	j.db, j.stop, j.flushed = db, make(chan struct{}), make(chan error, 1)
	j.sync = func() error { return broken }
	go func() { j.flushed <- j.flush() }()
	appendAll(t, j, "one")
	select {
	case err := <-reports:
		if !errors.Is(err, broken) || !strings.Contains(err.Error(), path) {
			t.Errorf("it reports %v", err)
		}
	case <-time.After(patience):
		t.Fatal("it reports nothing")
	}
	for range 2 {
		if err := j.Append([]byte("two")); !errors.Is(err, broken) {
			t.Errorf("it takes another event: %v", err)
		}
		time.Sleep(flushEvery + flushEvery/10)
	}
	if err := j.Close(); !errors.Is(err, broken) || strings.Count(err.Error(), broken.Error()) != 1 {
		t.Errorf("at its end: %v", err)
	}
	if len(reports) != 0 {
		t.Errorf("it reports it %d times", len(reports)+1)
	}
	if events, err := replayed(path); !slices.Equal(events, []string{"one"}) || err != nil {
		t.Errorf("it has %q: %v", events, err)
	}
}

// outlives is what there is of the state of a simulator that outlives it.
type outlives struct {
	orderID, state string
	notifications  []control.Notification
	ahead          time.Duration
}

func (r *running) outlives(t *testing.T, no string) (o outlives) {
	t.Helper()
	order, err := payscore.New(r.client(t)).Partner().Serviceorder().Get(t.Context(), payscore.GetPartnerServiceOrderQuery{SubMchID: world.SubMerchant, OutOrderNo: no})
	if err != nil {
		t.Fatal(err)
	}
	users := r.users()
	if o.notifications, err = users.Notifications(t.Context()); err != nil {
		t.Fatal(err)
	}
	clock, err := users.Clock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	o.orderID, o.state, o.ahead = order.OrderID, string(order.State)+" "+string(order.StateDescription), clock.Business.Sub(clock.Wire).Round(time.Minute)
	return o
}

func (r *running) users() *control.Client {
	return control.New(r.settings["WECHATPAY_MANAGE_URL"], http.DefaultClient)
}

func createRequest(no, notifyURL string) payscore.CreatePartnerServiceOrderRequest {
	return payscore.CreatePartnerServiceOrderRequest{
		ServiceID: world.ServiceID, AppID: world.AppID, SubMchID: world.SubMerchant, OutOrderNo: no,
		ServiceIntroduction: "雨伞租借",
		RiskFund:            payscore.RiskFund{Name: payscore.RiskFundNameDeposit, Amount: 5000},
		TimeRange:           payscore.TimeRange{StartTime: "OnAccept"},
		NotifyURL:           notifyURL,
	}
}

func completeRequest(end time.Time) payscore.CompletePartnerServiceOrderRequest {
	return payscore.CompletePartnerServiceOrderRequest{
		ServiceID: world.ServiceID, SubMchID: world.SubMerchant,
		PostPayments: []payscore.Payment{{Name: "雨伞租借", Amount: new(int64(4000))}}, TotalAmount: 4000,
		TimeRange: payscore.TimeRange{EndTime: end.In(beijing).Format("20060102150405")},
	}
}

func TestSimGoesOnWhereItEnded(t *testing.T) {
	t.Parallel()
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	defer shop.Close()
	dir := filepath.Join(t.TempDir(), "wxpay-sim")
	r := startSim(t, dir)
	orders := payscore.New(r.client(t)).Partner().Serviceorder()
	if _, err := orders.Post(t.Context(), createRequest("1", shop.URL)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.users().Confirm(t.Context(), control.Order{OutOrderNo: "1"}); err != nil {
		t.Fatal(err)
	}
	clock, err := r.users().Advance(t.Context(), 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := orders.OutOrderNo("1").Complete().Post(t.Context(), completeRequest(clock.Business)); err != nil {
		t.Fatal(err)
	}
	before := r.outlives(t, "1")
	if before.state != "DOING MCH_COMPLETE" || len(before.notifications) != 1 || !before.notifications[0].Delivered || before.ahead != 24*time.Hour {
		t.Fatalf("it is %+v", before)
	}
	r.end(t)

	r = startSim(t, dir)
	after := r.outlives(t, "1")
	if fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("after a restart it is %+v\nand was %+v", after, before)
	}
	if _, err := r.users().Advance(t.Context(), time.Hour); err != nil { // its timer is still there
		t.Fatal(err)
	}
	if paid := r.outlives(t, "1"); paid.orderID != before.orderID || !strings.HasPrefix(paid.state, "DONE") || len(paid.notifications) != 2 {
		t.Errorf("an hour later it is %+v", paid)
	}
	r.end(t)

	journal := contentOf(t, dir)[journalFile]
	r = startSim(t, dir, "--memory")
	if sent, err := r.users().Notifications(t.Context()); err != nil || len(sent) != 0 {
		t.Errorf("with --memory there are %d notifications: %v", len(sent), err)
	}
	if _, err := payscore.New(r.client(t)).Partner().Serviceorder().Post(t.Context(), createRequest("2", shop.URL)); err != nil {
		t.Fatal(err)
	}
	r.end(t)
	if contentOf(t, dir)[journalFile] != journal {
		t.Error("with --memory it wrote the journal")
	}
}

func TestSimRefusesAJournalThatIsOfNoUse(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "wxpay-sim")
	startSim(t, dir).end(t)
	path := filepath.Join(dir, journalFile)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	j := begun(t, path)
	appendAll(t, j, "\x04moon\x011\x02{}")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	refuses(t, dir, `event 1 of the journal is about "moon", which this version does not know; it was left as it is`)

	writeFile(t, path, string(whole[:len(whole)/2]))
	refuses(t, dir, "is damaged: ")
}

func TestTwoSimsDoNotUseOneDirectory(t *testing.T) {
	t.Parallel()
	for _, first := range [][]string{nil, {"--memory"}} {
		dir := filepath.Join(t.TempDir(), "wxpay-sim")
		startSim(t, dir, first...)
		before := contentOf(t, dir)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		for _, second := range [][]string{nil, {"--memory"}} {
			status, stdout, stderr := wxpay(ctx, append([]string{"sim", "--listen", "127.0.0.1:0", "--manage", "127.0.0.1:0", "--dir", dir}, second...)...)
			if status != 1 || stdout != "" || stderr != "wxpay: another wxpay runs on "+dir+": end it, or choose another directory with --dir\n" {
				t.Errorf("%q after %q: exit status %d, %q", second, first, status, stdout+stderr)
			}
		}
		if after := contentOf(t, dir); !maps.Equal(after, before) {
			t.Errorf("after %q, the files of the first are others", first)
		}
	}
}

func TestOfManySimsThatStartAtOnceOneRuns(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "wxpay-sim")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var runs sync.WaitGroup
	refused, status := make(chan string, 10), make(chan int, 10)
	for range cap(status) {
		runs.Go(func() {
			code, _, stderr := wxpay(ctx, "sim", "--listen", "127.0.0.1:0", "--manage", "127.0.0.1:0", "--dir", dir)
			status <- code
			refused <- stderr
		})
	}
	for range cap(status) - 1 {
		if code, text := <-status, <-refused; code != 1 || !strings.Contains(text, "another wxpay runs on "+dir) {
			t.Errorf("exit status %d, %q", code, text)
		}
	}
	for _, err := os.Stat(filepath.Join(dir, settingsFile)); err != nil && ctx.Err() == nil; _, err = os.Stat(filepath.Join(dir, settingsFile)) {
		time.Sleep(time.Millisecond) // they are written last
	}
	var w struct {
		Merchants []struct{ Certificate string }
	}
	before := contentOf(t, dir)
	if err := json.Unmarshal([]byte(before[worldFile]), &w); err != nil || w.Merchants[0].Certificate != before[certificateFile] {
		t.Errorf("the certificate is not that of the world: %v", err)
	}
	cancel()
	runs.Wait()
	if code, text := <-status, <-refused; code != 0 || text != "" {
		t.Errorf("the one that ran: exit status %d, %q", code, text)
	}
	startSim(t, dir)
}

func TestASimThatEndedLeavesNoLock(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "wxpay-sim")
	startSim(t, dir).end(t)
	if _, locked := contentOf(t, dir)[lockName]; locked {
		t.Error("the lock is still there")
	}
	writeFile(t, filepath.Join(dir, lockName), "") // as after kill -9
	startSim(t, dir)

	killed := t.TempDir() // before it wrote anything
	writeFile(t, filepath.Join(killed, lockName), "")
	startSim(t, killed)
}

func TestSimReplacesNothingThatIsNotItsJournal(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "wxpay-sim")
	startSim(t, dir).end(t)
	path := filepath.Join(dir, journalFile)
	moved := filepath.Join(t.TempDir(), "moved.db")
	if err := errors.Join(os.Rename(path, moved), os.Symlink(filepath.Join(t.TempDir(), "unmounted"), path)); err != nil {
		t.Fatal(err)
	}
	status, stdout, stderr := wxpay(t.Context(), "sim", "--listen", "127.0.0.1:0", "--manage", "127.0.0.1:0", "--dir", dir)
	if status != 1 || stdout != "" || !strings.Contains(stderr, path) || !strings.Contains(stderr, "no such file") {
		t.Errorf("with a link that leads nowhere: exit status %d, %q", status, stdout+stderr)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode().Type() != os.ModeSymlink {
		t.Errorf("the link is gone: %v", err)
	}
	if err := errors.Join(os.Remove(path), os.Symlink(moved, path)); err != nil {
		t.Fatal(err)
	}
	startSim(t, dir) // on another disk, such as a volume

	late := filepath.Join(t.TempDir(), journalFile)
	j := newJournal(late)
	if err := j.Replay(func([]byte) error { return nil }); err != nil {
		t.Fatal(err)
	}
	writeFile(t, late, "three years of work")
	if err := j.begin(); !errors.Is(err, fs.ErrExist) {
		t.Errorf("where a file came meanwhile: %v", err)
	}
	if after := contentOf(t, filepath.Dir(late)); len(after) != 1 || after[journalFile] != "three years of work" {
		t.Errorf("it left %q", after)
	}
}

// recorded are the events of one order's life, with the number 1.
func recorded(tb testing.TB) []string {
	tb.Helper()
	j := newJournal(filepath.Join(tb.TempDir(), journalFile))
	tb.Cleanup(func() { // when the gateway has ended
		if err := j.Close(); err != nil {
			tb.Error(err)
		}
	})
	gateway := simtest.StartWith(tb, sim.Config{World: simtest.World(tb), Journal: j})
	if err := j.begin(); err != nil {
		tb.Fatal(err)
	}
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	tb.Cleanup(shop.Close)
	orders := payscore.New(gateway.Client()).Partner().Serviceorder()
	if _, err := orders.Post(tb.Context(), createRequest("number-000001", shop.URL)); err != nil {
		tb.Fatal(err)
	}
	gateway.Confirm("number-000001")
	gateway.Notifications()
	if _, err := orders.OutOrderNo("number-000001").Cancel().Post(tb.Context(), cancelRequest()); err != nil {
		tb.Fatal(err)
	}
	var all []string
	err := j.db.View(func(tx *bolt.Tx) error {
		return tx.Bucket(eventBucket).ForEach(func(_, value []byte) error {
			all = append(all, string(value[4:]))
			return nil
		})
	})
	if err != nil || len(all) < 4 {
		tb.Fatalf("%d events: %v", len(all), err)
	}
	return all[:4]
}

// BenchmarkAppend is how many events a simulator may keep.
func BenchmarkAppend(b *testing.B) {
	event := []byte(recorded(b)[1])
	j := begun(b, filepath.Join(b.TempDir(), journalFile))
	defer j.Close()
	b.SetBytes(int64(len(event)))
	for b.Loop() {
		if err := j.Append(event); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkStartWithAMillionEvents is the start of a simulator that had 250,000 orders: created,
// confirmed, notified and cancelled. Try it with -benchtime 1x.
func BenchmarkStartWithAMillionEvents(b *testing.B) {
	const million = 1_000_000
	life, w := recorded(b), simtest.World(b)
	path := filepath.Join(b.TempDir(), journalFile)
	j := begun(b, path)
	id := regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`).FindString(life[1])
	for n := 0; n < million; {
		err := j.db.Update(func(tx *bolt.Tx) error { // many at once, for they are not what is measured
			events := tx.Bucket(eventBucket)
			events.FillPercent = 1
			for range 10_000 {
				order := fmt.Sprintf("%06d", n/len(life))
				text := strings.NewReplacer("number-000001", "number-"+order, id, order+id[6:]).Replace(life[n%len(life)])
				if err := events.Put(encodeEvent(uint64(n+1), []byte(text))); err != nil {
					return err
				}
				n++
			}
			return events.SetSequence(uint64(n))
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		b.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		j := newJournal(path)
		gateway, err := sim.New(sim.Config{World: w, Journal: j})
		if err != nil {
			b.Fatal(err)
		}
		gateway.Close()
		if err := j.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(info.Size())/1e6, "MB")
}
