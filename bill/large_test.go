package bill

import (
	"crypto/sha1"
	"encoding/hex"
	"io"
	"net/http"
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"
	"testing"
	"time"
)

// maxHeap is what a bill of any size may need, beside what the test needs before it.
const maxHeap = 16 << 20

// TestALargeBillNeedsLittleMemory opens, checks and sums a bill that is made while it comes.
// WXPAY_BILL_BYTES makes it larger. It logs how fast that was, beside what else could be done with the same stream,
// which takes its time to be made as well.
func TestALargeBillNeedsLittleMemory(t *testing.T) { // not parallel: others need memory as well
	size := int64(64 << 20)
	if n, err := strconv.ParseInt(os.Getenv("WXPAY_BILL_BYTES"), 10, 64); err == nil {
		size = n
	}
	hash := sha1.New()
	made := &generated{size: size}
	began := time.Now()
	if _, err := io.Copy(hash, made); err != nil {
		t.Fatal(err)
	}
	hashed := time.Since(began)
	began = time.Now()
	if err := readCSV(&generated{size: size}); err != nil {
		t.Fatal(err)
	}
	split := time.Since(began)
	g := &large{gateway: at(nil), size: size}
	about := told(nil, "x")
	about["hash_value"] = hex.EncodeToString(hash.Sum(nil))
	g.answers["/v3/bill/tradebill"] = []reply{said(about)}
	client := clientOver(t, g)
	dir := t.TempDir()
	runtime.GC()
	g.heap.before = heap()

	began = time.Now()
	b, err := Open(t.Context(), client, Trade{Date: "2024-11-24"}, TempDir(dir))
	if err != nil {
		t.Fatal(err)
	}
	opened := time.Since(began)
	var rows, total int64
	for row, err := range b.Rows() {
		if err != nil {
			t.Fatal(err)
		}
		total += row.SettlementTotal
		if rows++; rows%1000 == 0 {
			g.heap.look()
		}
	}
	summed := time.Since(began) - opened
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	checkGone(t, dir)
	if paid := made.rows - made.refunds; rows != made.rows || b.Summary.Rows != rows || total != paid*1230 {
		t.Errorf("%d rows of %d, and %d fen of %d", rows, made.rows, total, paid*1230)
	}
	speed := func(took time.Duration) float64 { return float64(made.n) / 1e6 / took.Seconds() }
	t.Logf("%d MiB, %d rows: made, hashed, written and checked at %.0f MB/s, summed at %.0f MB/s, with %.1f MiB of heap", made.n>>20, rows,
		speed(opened), speed(summed), float64(g.heap.most)/(1<<20))
	t.Logf("beside that: made and hashed alone at %.0f MB/s, made and read by encoding/csv at %.0f MB/s", speed(hashed), speed(split))
	if g.heap.most > maxHeap {
		t.Errorf("it took %d bytes of heap, want at most %d", g.heap.most, maxHeap)
	}
}

// large is a gateway whose one file is generated.
type large struct {
	*gateway
	size int64
	heap watermark
}

func (g *large) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Path != downloadPath {
		return g.gateway.RoundTrip(req)
	}
	body := io.NopCloser(io.TeeReader(&generated{size: g.size}, &g.heap))
	return &http.Response{StatusCode: http.StatusOK, ProtoMajor: 1, ContentLength: -1, Body: body, Header: http.Header{}, Request: req}, nil
}

// watermark is the most heap that there was at any look, live and not yet collected, beyond that
// before.
type watermark struct{ before, most uint64 }

func (w *watermark) look() {
	if now := heap(); now > w.before {
		w.most = max(w.most, now-w.before)
	}
}

// Write looks at each piece of the file.
func (w *watermark) Write(p []byte) (int, error) {
	w.look()
	return len(p), nil
}

func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
