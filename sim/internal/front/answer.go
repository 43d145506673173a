package front

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/openwechatpay/wechatpay/internal/xmlv2"
	"github.com/openwechatpay/wechatpay/sim/internal/fault"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// answer is what goes back.
type answer struct {
	status int
	body   []byte
	kind   string // its Content-Type, where that is not JSON
	sub    int    // the number at the end of Request-ID
	signed bool   // whether it will be, to somebody who signed
	over   []byte // what is signed in place of the body
	header string // that tells what over is made of, with its value
	value  string

	members xmlv2.Members // of APIv2, in place of a body
	v2      *V2           // what signs them, nil if nothing does

	// What a fault makes of it.
	spoil      world.Effect // of the signature
	html       bool
	retryAfter int
	reset      bool         // nothing is sent
	truncated  bool         // only a part of it is
	damage     world.Effect // of the body, after it was signed
}

func (a *answer) sign() *answer {
	a.signed = true
	return a
}

func refused(r *Refusal) *answer {
	return &answer{status: r.Status, body: r.body(), sub: cmp.Or(r.Sub, genericSub)}
}

// prepare sets the headers that the real gateway sends, and tells the log.
func (f *Front) prepare(h http.Header, x *Exchange, a *answer) {
	if a.members != nil {
		a.body, a.kind = a.v2.sealed(a.members, a.spoil), "text/plain"
	}
	whole := a.body
	a.body = damaged(whole, a.damage)
	h.Set("Server", "nginx")
	h.Set("Request-Id", f.requestID(a.sub))
	if a.status != http.StatusNoContent {
		h.Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	switch {
	case a.html:
		h.Set("Content-Type", "text/html")
		h.Del("Request-Id")
	case a.kind != "":
		h.Set("Content-Type", a.kind)
	case len(a.body) > 0:
		h.Set("Content-Type", "application/json; charset=utf-8")
	}
	h.Set("Cache-Control", "no-cache, must-revalidate")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Language", "zh-CN")
	if a.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(a.retryAfter))
	}
	if a.header != "" {
		h.Set(a.header, a.value)
	}
	if a.signed && x.scheme != "" {
		text := whole
		if a.over != nil {
			text = a.over
		}
		f.Keys.Sign(h, x.scheme, x.MchID, x.Header.Get("Wechatpay-Serial"), text, f.Clock.Wire(), a.spoil)
	}
	x.Status, x.Answer, x.AnswerHeader = a.status, a.body, h.Clone()
}

// write sends the answer, or what a fault left of it.
func write(w http.ResponseWriter, a *answer) {
	if a.reset {
		reset(w)
	}
	w.WriteHeader(a.status)
	if !a.truncated {
		_, _ = w.Write(a.body)
		return
	}
	_, _ = w.Write(a.body[:len(a.body)/2])
	_ = http.NewResponseController(w).Flush()
	reset(w)
}

// reset ends the connection as a crash would: with a reset where the server lets it, else by
// ending the handler.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if secure, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = secure.NetConn() // without the farewell of TLS
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
	panic(http.ErrAbortHandler)
}

// damaged is a body that did not arrive as it was sent off, with nothing in HTTP that tells.
func damaged(body []byte, e world.Effect) []byte {
	switch {
	case e == world.EffectShorten:
		return body[:len(body)/2]
	case e == world.EffectFlipBit && len(body) > 0:
		body = slices.Clone(body)
		body[len(body)/2] ^= 1
	}
	return body
}

// File is what a download answers with.
type File struct {
	Type    string // its Content-Type
	Content []byte
}

// Packed is the file in gzip.
func (f *File) Packed() (*File, error) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(f.Content); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return &File{Type: "application/x-gzip", Content: packed.Bytes()}, nil
}

// answered is the answer that a handler's result makes.
func (f *Front) answered(c *Call, result any) (*answer, error) {
	a := &answer{status: c.Op.Response.Status[0]}
	file, isFile := result.(*File)
	switch {
	case result == nil:
		return a, nil
	case c.V2 != nil && !isFile:
		return f.answeredV2(c, result)
	case !isFile:
		body, err := f.written(c, result)
		a.body = body
		return a, err
	}
	a.body, a.kind = file.Content, file.Type
	if c.Op.Path == "/pay/downloadfundflow" {
		sum := sha1.Sum(file.Content)
		a.header, a.value = "Digest", "SHA="+hex.EncodeToString(sum[:])
		return a, nil
	}
	if a.header = c.Op.Security.ResponseSignatureOver; a.header != "" {
		sum := sha1.Sum(file.Content)
		a.value = hex.EncodeToString(sum[:])
		a.over = fmt.Appendf(nil, `{"sha1":"%s"}`, a.value)
	}
	return a, nil
}

// FaultHeader lets a fault strike the one request that has it: its value is the fault as JSON.
const FaultHeader = "Wxpay-Sim-Fault"

// fault is what strikes this call.
func (f *Front) fault(x *Exchange, c *Call) *world.Fault {
	if text := x.Header.Get(FaultHeader); text != "" {
		own := new(world.Fault)
		if err := json.Unmarshal([]byte(text), own); err != nil || own.Check() != nil || own.Event != "" {
			x.check("fault", "the header "+FaultHeader+" is not a fault of calls as JSON")
			return nil
		}
		return own
	}
	return f.Faults.OfCall(fault.Call{Method: c.Op.Method, Path: c.Op.Path, MchID: c.Merchant.MchID, Hosts: x.hosts(), Names: c.names})
}

// hosts are the names of the host that was called: that of the listener, and that in the request.
func (x *Exchange) hosts() []string {
	name, _, err := net.SplitHostPort(x.Host)
	if err != nil {
		name = x.Host
	}
	return []string{x.Listener, x.Host, name}
}

// replaces tells that the effect is an answer of its own, so that the work may be left out.
func replaces(e world.Effect) bool {
	return e == world.EffectStatus || e == world.EffectReset || e == world.EffectHTML
}

// spoiled is the answer after a fault struck it.
func spoiled(a *answer, f *world.Fault) *answer {
	switch f.Effect {
	case world.EffectDelay:
		return a
	case world.EffectReset:
		a.reset = true
	case world.EffectTruncate:
		a.truncated = true
	case world.EffectShorten, world.EffectFlipBit:
		a.damage = f.Effect
	case world.EffectHTML:
		status := cmp.Or(f.Status, http.StatusBadGateway)
		return page(status, strconv.Itoa(status)+" "+http.StatusText(status))
	case world.EffectStatus:
		return statusAnswer(a.v2, f)
	default:
		a.spoil = f.Effect
	}
	return a
}

// page is what nginx answers by itself.
func page(status int, title string) *answer {
	text := "<html><head><title>" + title + "</title></head><body><center><h1>" + title + "</h1></center><hr><center>nginx</center></body></html>\n"
	return &answer{status: status, body: []byte(text), html: true}
}

// statusAnswer is the answer that a fault gives instead. In APIv2 it is an err_code.
func statusAnswer(v2 *V2, f *world.Fault) *answer {
	if v2 != nil && f.Code != "" {
		a := v2.failed(f.Code, cmp.Or(f.Message, strings.ToLower(f.Code)))
		a.status, a.retryAfter = f.Status, f.RetryAfter
		return a
	}
	a := &answer{status: f.Status, sub: genericSub, retryAfter: f.RetryAfter}
	switch {
	case f.Status < 300:
		a.sub = 0
	case f.Status == http.StatusTooManyRequests:
		a.sub = rateSub
	case f.Status >= 500:
		a.sub = systemSub
	}
	if f.Code != "" {
		a.body = (&Refusal{Code: f.Code, Message: cmp.Or(f.Message, strings.ToLower(f.Code))}).body()
	}
	return a.sign()
}
