// Package manage is the simulator's management API: everything that is not the merchant's to
// do. It has a listener of its own, so that no SDK finds it by mistake.
package manage

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/internal/clock"
	"github.com/openwechatpay/wechatpay/sim/internal/fault"
	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/internal/keys"
	"github.com/openwechatpay/wechatpay/sim/internal/notify"
	"github.com/openwechatpay/wechatpay/sim/internal/payscore"
	"github.com/openwechatpay/wechatpay/sim/internal/schedule"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
	"github.com/openwechatpay/wechatpay/sim/internal/trade"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// API is what the management API works on.
type API struct {
	World    *world.World
	Keys     *keys.Ring
	Clock    *clock.Clock
	Store    *store.Store
	Schedule *schedule.Scheduler
	Notify   *notify.Service
	Log      *front.Log
	Faults   *fault.Set
	PayScore *payscore.Product
	Trades   *trade.Product
	Shape    func(*front.Call) (any, error) // makes what there are no rules of

	Token string // that calls have to carry; without one they have to be to loopback
}

// Handler serves the API.
func (a *API) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", answer(a.unknown))
	mux.Handle("GET /merchants", answer(a.merchants))
	a.handlePayScore(mux)
	a.handleTrades(mux)
	mux.Handle("POST /phone/open", answer(a.openPhone))
	mux.Handle("GET /clock", answer(a.clock))
	mux.Handle("POST /clock/advance", answer(a.advance))
	a.handleCertificates(mux)
	a.handleFaults(mux)
	a.handleNotifications(mux)
	mux.Handle("GET /requests", answer(a.requests))
	mux.Handle("POST /reset", answer(a.reset))
	return a.guard(mux)
}

// guard keeps out who is not a program of this machine's user: web pages, be they from another
// origin or by a name that leads to loopback, and the simulator's own notifications, whose
// addresses merchants choose. Who knows the token may call by any name.
func (a *API) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		switch {
		case a.Token != "" && !a.carriesToken(r):
			w.Header().Set("WWW-Authenticate", "Bearer")
			fail(w, http.StatusUnauthorized, errors.New("the Authorization has to be Bearer and the token of this simulator: wechatpay.env has it as WECHATPAY_MANAGE_TOKEN"))
		case a.Token == "" && host != "localhost" && !net.ParseIP(host).IsLoopback():
			fail(w, http.StatusForbidden, errors.New("the Host is not loopback"))
		case r.Header.Get("Origin") != "":
			fail(w, http.StatusForbidden, errors.New("web pages may not call this API"))
		case r.Header.Get("Wechatpay-Signature") != "":
			fail(w, http.StatusForbidden, errors.New("this is no place for notifications: a notify_url leads here"))
		case r.Method == http.MethodPost && media != "application/json":
			fail(w, http.StatusUnsupportedMediaType, errors.New("the Content-Type has to be application/json"))
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// carriesToken takes the same time whatever the request carries.
func (a *API) carriesToken(r *http.Request) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	got, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(a.Token))
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1 && strings.EqualFold(scheme, "Bearer")
}

// failure is an error with its status.
type failure struct {
	status int
	error
}

// notDone is the failure of what could not be done: with what is not there, or is in another state.
func notDone(err error) error {
	if isMissing(err) {
		return failure{http.StatusNotFound, err}
	}
	return failure{http.StatusConflict, err}
}

// wrong is the failure of a call that is wrong, or that names what is not there.
func wrong(err error) error {
	if isMissing(err) {
		return failure{http.StatusNotFound, err}
	}
	return err
}

func isMissing(err error) bool {
	_, ok := errors.AsType[store.Missing](err)
	return ok
}

// answer makes a handler of a function: its result becomes JSON, its error a 400, or the
// status of a failure.
func answer(fn func(r *http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
		result, err := fn(r)
		if err != nil {
			status := http.StatusBadRequest
			if f, ok := errors.AsType[failure](err); ok {
				status = f.status
			}
			fail(w, status, err)
			return
		}
		reply(w, http.StatusOK, result)
	})
}

func fail(w http.ResponseWriter, status int, err error) {
	reply(w, status, map[string]string{"error": err.Error()})
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // who hangs up needs no answer
}

// read reads the request's JSON.
func read[T any](r *http.Request) (v T, err error) {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		return v, fmt.Errorf("the body is not JSON of the documented form: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return v, errors.New("the body is not JSON of the documented form: something follows it")
	}
	return v, nil
}

// unknown answers what is no call of the API, in JSON as all the others.
func (a *API) unknown(r *http.Request) (any, error) {
	return nil, failure{http.StatusNotFound, fmt.Errorf("the management API has no %s %s: docs/management.md lists its calls", r.Method, r.URL.Path)}
}

func (a *API) merchants(*http.Request) (any, error) {
	public, err := a.Keys.PublicKeyPEM()
	if err != nil {
		return nil, err
	}
	merchants := []control.Merchant{}
	for _, m := range a.World.Merchants {
		if a.Keys.Merchant(m.MchID) == nil {
			continue
		}
		merchants = append(merchants, control.Merchant{
			MchID: m.MchID, BrandID: m.BrandID, SerialNo: m.SerialNo, PrivateKey: m.PrivateKey, Certificate: m.Certificate,
			APIv3Key: m.APIv3Key, APIv2Key: m.APIv2Key, PublicKeyID: world.PublicKeyID(m.MchID), PublicKey: public,
			Secrets: []string{"private_key", "apiv3_key", "apiv2_key"}, KeyMode: m.KeyMode, Certificates: a.certificatesFor(m),
		})
	}
	return merchants, nil
}

func (a *API) clock(*http.Request) (any, error) {
	return control.Clock{Wire: a.Clock.Wire(), Business: a.Clock.Business()}, nil
}

// longest is how far the clock may be ahead.
const longest = 100 * 365 * 24 * time.Hour

func (a *API) advance(r *http.Request) (any, error) {
	named, err := read[struct {
		By string `json:"by"`
	}](r)
	if err != nil {
		return nil, err
	}
	by, err := time.ParseDuration(named.By)
	if err != nil || by < 0 || by > longest || a.Clock.Ahead()+by > longest {
		return nil, fmt.Errorf(`the member by is %q, want a duration such as "720h", and not more than a hundred years in all`, named.By)
	}
	if err := a.Schedule.Advance(r.Context(), by); err != nil {
		return nil, err
	}
	return a.clock(r)
}

func (a *API) requests(r *http.Request) (any, error) {
	since := 0
	if text := r.URL.Query().Get("since"); text != "" {
		var err error
		if since, err = strconv.Atoi(text); err != nil || since < 0 {
			return nil, errors.New("the parameter since is not the ID of a request")
		}
	}
	return append([]*control.Exchange{}, a.Log.Since(since)...), nil
}

// reset forgets all that happened, but for the requests.
func (a *API) reset(r *http.Request) (any, error) {
	if _, err := read[struct{}](r); err != nil {
		return nil, err
	}
	a.Faults.Reset()
	return struct{}{}, a.Schedule.Reset()
}
