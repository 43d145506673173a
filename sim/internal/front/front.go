// Package front is what stands before every product: it does what the gateway's front does,
// in its order. Route and method, headers, the Authorization header's form, its time, its
// serial number, its signature, then the mapping of path, query and body onto the
// operation's fields. Only then a product sees the call. Every answer after the signature is
// signed.
//
// What begins with v2 is the same for APIv2, whose signature stands in the message.
package front

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/catalog"
	"github.com/openwechatpay/wechatpay/sim/internal/clock"
	"github.com/openwechatpay/wechatpay/sim/internal/doctor"
	"github.com/openwechatpay/wechatpay/sim/internal/fault"
	"github.com/openwechatpay/wechatpay/sim/internal/keys"
	"github.com/openwechatpay/wechatpay/sim/internal/mapping"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// maxBody is the largest body of a request, in bytes, and maxUpload that of one with a file.
const (
	maxBody   = 1 << 20
	maxUpload = 16 << 20
)

// Handler carries out an operation. What it returns becomes the body of the answer, nil stands
// for none and a [*File] for itself; an error that is a [*Refusal] becomes the answer, [ErrNoRules] lets
// Shape answer, any other error is a SYSTEM_ERROR.
type Handler func(tx *store.Tx, c *Call) (any, error)

// ErrNoRules is what a handler returns about a call that is not its to answer.
var ErrNoRules = errors.New("the simulator has no rules for this call")

// Front is an [http.Handler] for the operations of the catalog.
type Front struct {
	Clock *clock.Clock
	Store *store.Store
	Keys  *keys.Ring
	Rules world.Rules
	Log   *Log

	Faults *fault.Set
	Closed <-chan struct{} // is closed when delays are to end

	// Shape answers the operations that have no [Handler]. It has no part in the store.
	Shape func(c *Call) (any, error)

	routes   router
	v2       router
	handlers map[*catalog.Operation]Handler
	served   atomic.Uint32
}

// Handle makes f answer the operation that id names ("POST /v3/…") by h.
func (f *Front) Handle(id string, h Handler) {
	op := cmp.Or(catalog.Find(id), findV2(id))
	if op == nil {
		panic("sim: the catalog has no operation " + id)
	}
	if f.handlers == nil {
		f.handlers = map[*catalog.Operation]Handler{}
	}
	f.handlers[op] = h
}

// findV2 is [catalog.Find] for APIv2.
func findV2(id string) *catalog.Operation {
	c, err := catalog.LoadV2()
	if err != nil {
		return nil
	}
	all := c.Operations()
	if i := slices.IndexFunc(all, func(op *catalog.Operation) bool { return op.ID() == id }); i >= 0 {
		return all[i]
	}
	return nil
}

// Route adds operations to those that f knows: each is answered by its [Handler], else by Shape.
func (f *Front) Route(operations ...*catalog.Operation) {
	for _, op := range operations {
		f.routes.add(op)
	}
}

// ServeHTTP answers one request.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) { f.serve(w, r, "") }

// Host is f as one of the gateway's hosts, for a listener that stands for it.
func (f *Front) Host(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f.serve(w, r, name) })
}

func (f *Front) serve(w http.ResponseWriter, r *http.Request, host string) {
	x := f.begin(r)
	x.Listener = host
	a := f.answer(x, r)
	f.prepare(w.Header(), x, a)
	f.Log.add(x)
	write(w, a)
}

// answer is the way of a request. Each check stops it with its refusal.
func (f *Front) answer(x *Exchange, r *http.Request) (a *answer) {
	defer func() {
		if p := recover(); p != nil {
			x.check("carried out", fmt.Sprintf("the simulator has a defect: %v", p))
			a = refused(SystemError())
		}
	}()
	if a := f.answerV2(x, r); a != nil {
		return a
	}
	op, args, allowed := f.routes.find(r.Method, x.path())
	if err := x.read(r, op); err != nil {
		x.check("body", err.Error())
		return unread(err)
	}
	if op == nil {
		return f.notRouted(x, allowed)
	}
	x.Operation = op.ID()
	x.pass("route")
	if refusal := checkHeaders(r.Header); refusal != nil {
		return x.refuse("headers", refusal)
	}
	x.pass("headers")
	merchant := new(world.Merchant)
	if wanted := schemeOf(op); wanted != "" {
		var refusal *Refusal
		if merchant, refusal = f.authenticate(x, r, wanted); refusal != nil {
			return x.refuse("signature", refusal)
		}
		x.pass("signature")
	}
	return f.take(x, r, &Call{Op: op, Merchant: merchant, Upload: x.upload, Origin: origin(r)}, args)
}

// take maps what the caller sent, and carries it out.
func (f *Front) take(x *Exchange, r *http.Request, c *Call, args map[string]string) *answer {
	serial := r.Header.Get("Wechatpay-Serial")
	values, misfit := mapping.Map(c.Op, mapping.Input{
		Path: args, RawQuery: x.query(), ContentType: r.Header.Get("Content-Type"), Body: x.Body, Upload: x.upload,
		Serial: serial, Decrypt: f.Keys.Decrypter(c.Merchant, serial),
	}, f.policy())
	if misfit != nil {
		return x.refuse("mapping", f.misfitting(c.Op, misfit)).sign()
	}
	x.pass("mapping")
	c.Values = values
	if x.upload != nil {
		if refusal := checkFile(c); refusal != nil {
			return x.refuse("file", refusal).sign()
		}
		x.pass("file")
	}
	return f.strike(x, c)
}

// origin is scheme and host by which the gateway was called.
func origin(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// unread answers a body that is too large, or that did not come as it was announced.
func unread(err error) *answer {
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return &answer{status: http.StatusRequestEntityTooLarge}
	}
	return &answer{status: http.StatusBadRequest}
}

// notRouted answers what no operation answers: the real front is as terse.
func (f *Front) notRouted(x *Exchange, allowed bool) *answer {
	if allowed {
		x.check("route", "this path has other methods")
		return &answer{status: http.StatusMethodNotAllowed}
	}
	x.check("route", "no operation of the simulator has this path")
	return &answer{status: http.StatusNotFound}
}

// checkHeaders is the check that most services make before the signature.
func checkHeaders(h http.Header) *Refusal {
	if h.Get("Accept") == "" || h.Get("User-Agent") == "" {
		return &Refusal{Status: 400, Code: "INVALID_REQUEST", Message: "Http头缺少Accept或User-Agent"}
	}
	return nil
}

// strike lets a fault do what it does, before or after the work.
func (f *Front) strike(x *Exchange, c *Call) *answer {
	fault := f.fault(x, c)
	if fault == nil {
		return f.carryOut(x, c)
	}
	x.check("fault", string(fault.Effect))
	if replaces(fault.Effect) && !fault.After {
		return spoiled(&answer{v2: c.V2}, fault)
	}
	a := f.carryOut(x, c)
	if fault.Effect == world.EffectDelay {
		select {
		case <-time.After(time.Duration(fault.Delay)):
		case <-x.gone:
		case <-f.Closed:
		}
	}
	return spoiled(a, fault)
}

// carryOut runs the operation as one transaction, so that a refusal leaves nothing behind.
func (f *Front) carryOut(x *Exchange, c *Call) (a *answer) {
	var err error
	if handle := f.handlers[c.Op]; handle != nil {
		err = f.Store.Update(func(tx *store.Tx) error {
			result, err := handle(tx, c)
			if err == nil {
				a, err = f.answered(c, result)
			}
			return err
		})
	} else {
		err = ErrNoRules
	}
	if errors.Is(err, ErrNoRules) {
		a, err = f.shaped(x, c)
	}
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		return f.refusedBy(x, c, refusal.withRules(f.Rules))
	}
	if err != nil {
		x.check("carried out", err.Error())
		if c.V2 != nil {
			return c.V2.failed("SYSTEMERROR", "系统错误")
		}
		return refused(SystemError()).sign()
	}
	x.pass("business")
	if c.Op.Security.ResponseUnsigned {
		return a
	}
	return a.sign()
}

// refusedBy is the answer to a call that the rules of its product refuse.
func (f *Front) refusedBy(x *Exchange, c *Call, r *Refusal) *answer {
	if c.V2 != nil {
		return c.refusedV2(x, r)
	}
	return x.refuse("business", r).sign()
}

// shaped is the answer to an operation without rules.
func (f *Front) shaped(x *Exchange, c *Call) (*answer, error) {
	x.note("rules", "the simulator has none for this operation: it keeps nothing of the call, and the answer has only the documented shape", Invented)
	result, err := f.Shape(c)
	if err != nil {
		return nil, err
	}
	return f.answered(c, result)
}

// requestID is as the gateway's: hexadecimal, then an internal result code, 0 for success.
func (f *Front) requestID(sub int) string {
	var random [8]byte
	rand.Read(random[:])
	return fmt.Sprintf("08%08X%08X%s-%d", f.Clock.Wire().Unix(), f.served.Add(1), strings.ToUpper(hex.EncodeToString(random[:])), sub)
}

func (f *Front) begin(r *http.Request) *Exchange {
	x := &Exchange{At: f.Clock.Wire(), Method: r.Method, Target: target(r), Header: r.Header.Clone(), Host: r.Host}
	if r.Header.Get("Authorization") != "" {
		x.Secrets = []string{"Authorization"} // whoever has it can send the request again for five minutes
	}
	x.began, x.gone = time.Now(), r.Context().Done()
	return x
}

// target is path and query as they stand in the request line.
func target(r *http.Request) string {
	if strings.HasPrefix(r.RequestURI, "/") {
		return r.RequestURI
	}
	return r.URL.RequestURI()
}

// authenticate finds out who signed, in the gateway's order: form, scheme, time, serial number,
// signature.
func (f *Front) authenticate(x *Exchange, r *http.Request, wanted string) (*world.Merchant, *Refusal) {
	a, err := auth.ParseAuthorization(r.Header.Get("Authorization"))
	if err != nil {
		return nil, signError("Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》").
			With(doctor.Authorization(r.Header.Values("Authorization")))
	}
	if a.Scheme != wanted {
		return nil, signError("HTTP头Authorization认证类型不正确").With(callers[wanted])
	}
	seconds, err := strconv.ParseInt(a.Timestamp, 10, 64)
	if err != nil {
		return nil, signError("Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》").With("the timestamp is not a number")
	}
	if skew := x.At.Unix() - seconds; skew > int64(auth.Window.Seconds()) || -skew > int64(auth.Window.Seconds()) {
		return nil, signError("Http头Authorization中的timestamp与发起请求的时间不得超过5分钟").
			With(fmt.Sprintf("the timestamp is %d s from the gateway's time, which is %d; it counts seconds, not milliseconds", skew, x.At.Unix()))
	}
	merchant, refusal := f.signer(a)
	if refusal != nil {
		return nil, refusal
	}
	if refusal := checkCertificate(merchant, x.At); refusal != nil {
		return nil, refusal
	}
	text := auth.RequestText(x.Method, x.Target, a.Timestamp, a.Nonce, x.line())
	x.SignedText = text
	if auth.Verify(merchant.Public, text, a.Signature) != nil {
		return nil, notMatching(x, text).With(f.diagnose(x, a, merchant))
	}
	x.MchID, x.scheme = merchant.MchID, wanted
	return merchant.Merchant, nil
}

// schemeOf is the scheme that an operation wants, "" if its requests carry no signature.
func schemeOf(op *catalog.Operation) string {
	switch {
	case op.Security.Scheme == "none":
		return ""
	case op.Security.Scheme == "brand", strings.HasPrefix(op.Path, "/brand/"):
		return auth.BrandScheme
	}
	return auth.Scheme
}

// callers say who may call operations of a scheme.
var callers = map[string]string{
	auth.Scheme:      "merchants call this path: want the scheme " + auth.Scheme + " with mchid",
	auth.BrandScheme: "brands call this path: want the scheme " + auth.BrandScheme + " with brand_id in place of mchid",
}

// signer is the merchant that a names, if the certificate that it names is the merchant's.
func (f *Front) signer(a auth.Authorization) (*keys.Merchant, *Refusal) {
	m, caller := f.Keys.Merchant(a.MchID), "merchant "+a.MchID
	if a.Scheme == auth.BrandScheme {
		m, caller = f.Keys.Brand(a.BrandID), "brand "+a.BrandID
	}
	if m != nil && strings.EqualFold(m.SerialNo, a.SerialNo) {
		return m, nil
	}
	r := signError("商户证书序列号有误。请使用签名私钥匹配的证书序列号")
	if m == nil {
		return nil, r.With(fmt.Sprintf("the world has no %.60q that signs calls", caller))
	}
	return nil, r.With(fmt.Sprintf("serial_no is %.60q, the certificate of %s has %s", a.SerialNo, caller, m.SerialNo))
}

// checkCertificate is what has become of the merchant's certificate.
func checkCertificate(m *keys.Merchant, now time.Time) *Refusal {
	switch {
	case m.CertificateState == world.CertificateRevoked:
		return signError("商户证书已作废")
	case m.CertificateState == world.CertificateReplaced:
		return signError("已更换证书，请使用新证书")
	case now.After(m.NotAfter):
		return signError("商户证书已过期")
	}
	return nil
}
