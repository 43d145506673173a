package doctor_test

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/openwechatpay/wechatpay/sim/internal/doctor"
)

// random makes requests that nobody thought of.
type random struct{ *rand.Rand }

// request is a request of a client that is right.
func (r random) request() client {
	c := client{method: r.one("GET", "POST", "PUT", "PATCH", "DELETE"), target: r.target(), nonce: fmt.Sprintf("%032X", r.Uint64())}
	switch r.IntN(4) {
	case 0:
	case 1:
		c.body = r.text()
	default:
		body, err := json.Marshal(r.value(0))
		if err != nil {
			panic(err)
		}
		c.body = string(body) + r.one("", "", "\n")
	}
	c.text = lines(c.method, c.target, when, c.nonce, c.body)
	return c
}

func (r random) one(of ...string) string { return of[r.IntN(len(of))] }

func (r random) target() string {
	target := "/v3"
	for range 1 + r.IntN(4) {
		target += "/" + url.PathEscape(r.text())
	}
	for i := range r.IntN(5) {
		target += r.one("&", "&", "?")[:1] + fmt.Sprintf("n%d=", r.IntN(9)) + r.one(url.QueryEscape(r.text()), url.PathEscape(r.text()), "x")
		if i == 0 {
			target = strings.Replace(target, "&", "?", 1)
		}
	}
	return target
}

// text is a text of characters that somebody escapes.
func (r random) text() string {
	var b strings.Builder
	for range r.IntN(12) {
		b.WriteString(r.one("a", "Z", "0", " ", "/", "<", "&", "+", "%", "\"", "\\", "\n", "é", "中", "😀", "\u2028", "|", "~", "\r\n"))
	}
	return b.String()
}

func (r random) value(depth int) any {
	switch r.IntN(7 - min(depth, 4)) {
	case 0:
		return r.text()
	case 1:
		return r.IntN(1e6)
	case 2:
		return r.Float64()
	case 3:
		return nil
	case 4:
		return []any{r.value(depth + 1), r.value(depth + 1)}
	}
	object := map[string]any{}
	for range r.IntN(6) {
		object[r.text()] = r.value(depth + 1)
	}
	return object
}

// garbage is a signature that no key made.
func (r random) garbage() string {
	raw := make([]byte, []int{256, 256, 255, 128, 32, 10}[r.IntN(6)])
	for i := range raw {
		raw[i] = byte(r.Uint32())
	}
	text := base64.StdEncoding.EncodeToString(raw)
	switch r.IntN(3) {
	case 0:
		return text
	case 1:
		return string(raw)
	}
	return strings.ToUpper(text)
}

// quick is [signed] in a third of the time, for keys that are no secret: it does not hide from
// clocks what it computes.
func quick(_ *testing.T, text string) string {
	key := keyring()[0]
	size := key.Size()
	block := slices.Concat([]byte{0, 1}, bytes.Repeat([]byte{0xff}, size-54), []byte{0},
		[]byte("\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"), sum256(text))
	m, p, q := new(big.Int).SetBytes(block), key.Primes[0], key.Primes[1]
	s := new(big.Int).Exp(m, key.Precomputed.Dq, q)
	h := new(big.Int).Exp(m, key.Precomputed.Dp, p)
	h.Sub(h, s).Mul(h, key.Precomputed.Qinv).Mod(h, p)
	return base64.StdEncoding.EncodeToString(s.Add(s, h.Mul(h, q)).FillBytes(block))
}

// TestACorrectClientIsNeverAccused signs a thousand requests, or as many as WXPAY_REQUESTS says, and
// diagnoses each. Every second comes with a signature of garbage too, and every 200th with the
// signature of another request.
func TestACorrectClientIsNeverAccused(t *testing.T) {
	t.Parallel()
	const workers = 4
	requests, err := strconv.Atoi(cmp.Or(os.Getenv("WXPAY_REQUESTS"), "1000"))
	if err != nil {
		t.Fatal(err)
	}
	if text := lines("GET", order, when, nonce, ""); quick(t, text) != signed(t, text) {
		t.Fatal("quick signs wrongly")
	}
	var wg sync.WaitGroup
	for worker := range uint64(workers) {
		wg.Go(func() {
			r := random{rand.New(rand.NewPCG(1, worker))}
			var before doctor.Case
			for i := range requests / workers {
				c := r.request()
				c.sign = quick
				request := c.send(t)
				if got := doctor.Diagnose(request); got != nil {
					t.Errorf("%s %s %q is accused of %v", c.method, c.target, c.body, got)
				}
				other := request
				if i%200 == 1 {
					other.Authorization.Signature = before.Authorization.Signature
					if got := names(doctor.Diagnose(other)); got != "unknown-text" {
						t.Errorf("%s %s %q with the signature of another is accused of %s", c.method, c.target, c.body, got)
					}
				}
				if i%2 == 0 {
					other.Authorization.Signature = r.garbage()
					if got := doctor.Diagnose(other); got != nil {
						t.Errorf("the signature %q is explained by %v", other.Authorization.Signature, got)
					}
				}
				before = request
			}
		})
	}
	wg.Wait()
}

// TestMistakesOfRandomRequestsAreNamed lets requests that nobody thought of be signed wrongly.
func TestMistakesOfRandomRequestsAreNamed(t *testing.T) {
	t.Parallel()
	mistakes := map[string]func(c client) string{
		"query-left-out": func(c client) string {
			path, _, _ := strings.Cut(c.target, "?")
			return lines(c.method, path, when, c.nonce, c.body)
		},
		"method-case":       func(c client) string { return lines(strings.ToLower(c.method), c.target, when, c.nonce, c.body) },
		"host-included":     func(c client) string { return lines(c.method, "http://"+host+c.target, when, c.nonce, c.body) },
		"body-left-out":     func(c client) string { return lines(c.method, c.target, when, c.nonce, "") },
		"timestamp-differs": func(c client) string { return lines(c.method, c.target, "1700000002", c.nonce, c.body) },
		"crlf": func(c client) string {
			return strings.Join([]string{c.method, c.target, when, c.nonce, c.body, ""}, "\r\n")
		},
		"base-path-dropped": func(c client) string { return lines(c.method, c.target[3:], when, c.nonce, c.body) },
		"body-newline-unsigned": func(c client) string {
			return lines(c.method, c.target, when, c.nonce, strings.TrimRight(c.body, "\r\n"))
		},
		"body-remarshalled": func(c client) string {
			var v any
			if json.Unmarshal([]byte(c.body), &v) != nil {
				return c.text
			}
			end := c.body[len(strings.TrimRight(c.body, "\n")):]
			body, _ := json.MarshalIndent(v, "", "  ")
			return lines(c.method, c.target, when, c.nonce, string(body)+end)
		},
	}
	r := random{rand.New(rand.NewPCG(2, 0))}
	made := map[string]int{}
	for range 50 {
		c := r.request()
		for mistake, sign := range mistakes {
			wrong := c
			wrong.sign = quick
			if wrong.text = sign(c); wrong.text == c.text {
				continue // it makes no difference here
			}
			made[mistake]++
			if got := names(doctor.Diagnose(wrong.send(t))); got != mistake {
				t.Errorf("%s %s %q: %s is named %q", c.method, c.target, c.body, mistake, got)
			}
		}
	}
	for mistake := range mistakes {
		if made[mistake] < 5 {
			t.Errorf("%s was made %d times", mistake, made[mistake])
		}
	}
}
