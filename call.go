package wechatpay

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"reflect"
	"strings"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/internal/download"
	"github.com/openwechatpay/wechatpay/internal/facts"
	"github.com/openwechatpay/wechatpay/internal/multipart"
	"github.com/openwechatpay/wechatpay/internal/sm3"
)

// Call is how generated code calls an operation whose answer has a body: args fill the parameters of
// path from left to right, in is the operation's request or query struct, or nil, out a new answer.
func Call[Out any](ctx context.Context, c *Client, method, path string, args []string, in any, opts []CallOption, out Out) (none Out, err error) {
	if err := c.call(ctx, method, path, args, in, opts, out); err != nil {
		return none, err
	}
	return out, nil
}

// call is Call without the type.
func (c *Client) call(ctx context.Context, method, path string, args []string, in any, opts []CallOption, out any) error {
	k := call{method: method, path: path, args: args, in: in}
	res, err := c.do(ctx, &k, opts)
	if err != nil {
		return err
	}
	if err := res.Decode(out); err != nil {
		return undecodable(&k, res, err)
	}
	return nil
}

// undecodable is the error of a success that does not fit into what the caller gave for it.
func undecodable(k *call, res *Response, err error) *Error {
	return &Error{StatusCode: res.StatusCode, RequestID: res.RequestID, Verified: res.Verified, Method: k.method, Path: k.shown, Err: err, Attempts: res.Attempts}
}

// Send is [Call] for operations whose answer has no body.
func Send(ctx context.Context, c *Client, method, path string, args []string, in any, opts []CallOption) (*Response, error) {
	return c.do(ctx, &call{method: method, path: path, args: args, in: in}, opts)
}

// call is one call on its way: what the caller said, then the bytes that it became.
type call struct {
	method, path string
	args         []string   // typed: the path's arguments in order
	named        []pair     // dynamic: the path's arguments by name
	in           any        // typed: the request or query struct
	json         any        // dynamic: the body
	file         attachment // of both, nil if there is none
	query        []pair     // of both
	header       []pair     // of both
	into         *Response  // where the Response goes as well
	hash         *download.Hash
	maxBytes     int64
	stream       *stream // of a download, nil for other calls
	dialect      dialect // of APIv2, nil for APIv3
	certified    bool    // the merchant's certificate is wanted in TLS

	key auth.PlatformKey // what Wechatpay-Serial names, and sensitive fields are encrypted for

	fact   facts.Fact // what is exceptional about the operation
	shown  string     // path as errors, Trace and logs show it
	target string     // path and query as they are sent and signed
	url    string     // where the attempt goes: target at the host of now
	body   []byte     // what is signed, nil if there is none
	form   form       // what is sent in place of body, where that is only what describes a file
}

type pair struct{ name, value string }

// dialect is how a call of APIv2 differs. As an interface, XML is linked only by programs that use it.
type dialect interface {
	build(c *Client, k *call) error
	read(c *Client, res *Response) *Error
}

var _ dialect = (*xmlCall)(nil)

// form is a *multipart.Form.
type form interface {
	Attach(*http.Request) error
	Detach()
}

// do is the way of every request: build the bytes, sign them, send them, verify the bytes
// that come back. A Response that it returns is verified, an error is an *Error.
func (c *Client) do(ctx context.Context, k *call, opts []CallOption) (*Response, error) {
	if k.target == "" { // that of a download is known
		k.look()
	}
	if err := c.begin(ctx, k, opts); err != nil {
		return nil, &Error{Outcome: NotSent, Method: k.method, Path: k.shown, Err: err}
	}
	res, err := c.attempts(ctx, k)
	if res != nil && k.into != nil {
		*k.into = *res
	}
	if err != nil {
		return nil, err
	}
	return res, nil
}

// look finds out what is exceptional about the operation, and how its path may be shown.
func (k *call) look() {
	var template string
	k.fact, template = facts.Of(k.method, k.path)
	if k.shown = cmp.Or(k.shown, template); k.shown == "" {
		k.shown = withoutArguments(k.path)
	}
}

// begin makes the bytes of the call. Until it has succeeded nothing is sent.
func (c *Client) begin(ctx context.Context, k *call, opts []CallOption) error {
	if c == nil || c.signer == nil {
		return errors.New("there is no client: make one with wechatpay.New, and look for a misspelt key of Endpoints")
	}
	if err := alive(ctx); err != nil {
		return err
	}
	if err := c.suits(k); err != nil {
		return err
	}
	if strings.HasPrefix(k.path, "/v2/") { // platform keys are of no use
		return k.buildV2(c, opts)
	}
	if err := c.ready(ctx); err != nil {
		return err
	}
	k.key = c.verifier.Preferred(c.now())
	return k.build(opts)
}

// suits refuses a call that c cannot sign: the paths of brands are signed by brands, and no others. A
// download goes to the address that its own answer told, wherever that is.
func (c *Client) suits(k *call) error {
	switch theirs := strings.HasPrefix(k.path, "/brand/"); {
	case theirs && c.signer.BrandID() == "":
		return errors.New("what begins with /brand/ is for brands: give Merchant.BrandID (品牌ID) and the brand's own " +
			"certificate and keys (品牌经营平台), to Client.For or New")
	case !theirs && c.signer.BrandID() != "" && k.target == "":
		return errors.New("this Client is of a brand, which calls only what begins with /brand/: give Merchant.MchID (商户号) to Client.For or New")
	}
	return nil
}

// alive refuses a context that has ended: after sending, the same error would leave the
// outcome open.
func alive(ctx context.Context) error {
	if ctx == nil {
		return errors.New("the context is nil")
	}
	return ctx.Err()
}

func notSent(err error) *Error { return &Error{Outcome: NotSent, Err: err} }

// hear has the options say what they have to say.
func (k *call) hear(opts []CallOption) error {
	for _, opt := range opts {
		if opt == nil {
			return errors.New("a CallOption is nil")
		}
		if err := opt(k); err != nil {
			return err
		}
	}
	return nil
}

// buildV2 is build for APIv2.
func (k *call) buildV2(c *Client, opts []CallOption) error {
	if err := k.hear(opts); err != nil {
		return err
	}
	if err := checkTemplate(k.path); err != nil {
		return err
	}
	if strings.HasSuffix(k.path, "/") || strings.Contains(k.path, "{") {
		return errors.New("a path of APIv2 has no parameter, and no slash at its end")
	}
	if k.dialect == nil || k.json != nil || len(k.named) > 0 {
		return errors.New("what begins with /v2/ takes wechatpay.XML, and neither JSON nor Path")
	}
	return k.dialect.build(c, k)
}

// build turns what the caller said into the bytes of the request.
func (k *call) build(opts []CallOption) error {
	if err := k.hear(opts); err != nil {
		return err
	}
	if k.dialect != nil {
		return errors.New("XML is for what begins with /v2/")
	}
	if k.target != "" { // the address of a download
		if len(k.named)+len(k.query) > 0 || k.json != nil || k.file != nil {
			return errors.New("the address of a download is complete: it takes no Path, Query, JSON or File")
		}
		return k.prepare()
	}
	path, err := k.expandPath()
	if err != nil {
		return err
	}
	if k.in != nil && k.json != nil {
		return errors.New("this call has its own request struct: JSON is for Chain and Endpoints")
	}
	if k.in != nil {
		if err := k.encode(k.in); err != nil {
			return err
		}
	}
	if k.json != nil {
		if k.body, err = k.marshal(k.json, false); err != nil {
			return err
		}
	}
	k.target = appendQuery(path, k.query)
	if err := k.prepare(); err != nil {
		return err
	}
	return k.attach()
}

// attachment is an [Upload]. As an interface, what sends files is linked only by programs that do.
type attachment interface{ attach(k *call) error }

var _ attachment = Upload{}

// attach puts the file, if there is one, beside the body, which becomes what describes it.
func (k *call) attach() error {
	takes := k.fact.Upload != nil
	if k.in != nil && takes {
		if v := reflect.ValueOf(k.in).FieldByName("File"); v.IsValid() {
			k.file, _ = v.Interface().(attachment)
		}
	}
	switch {
	case k.file != nil:
		return k.file.attach(k)
	case takes:
		return errors.New("this call uploads a file: give wechatpay.File")
	}
	return nil
}

func (u Upload) attach(k *call) error {
	takes := cmp.Or(k.fact.Upload, &facts.UsualUpload)
	rules := multipart.Rules{Part: takes.Part, Name: takes.Name, Digest: takes.Digest}
	if takes.Hash == "SM3" {
		rules.Hash = sm3.New
	}
	for _, limit := range takes.Limits {
		rules.Limits = append(rules.Limits, multipart.Limit(limit))
	}
	form, err := multipart.New(rules, u.Name, u.Content, k.body)
	if err != nil {
		return err
	}
	k.form, k.body = form, form.Meta()
	return nil
}

// Endpoint is a path of WeChat Pay, without types. Get one from [Client.Chain], or from the map of
// all endpoints in package v3 or v2. The zero Endpoint, as a misspelt key of that map yields it,
// returns an error that says so.
type Endpoint struct {
	c    *Client
	path string
}

// Path is the endpoint's path, as the documents print it.
func (e Endpoint) Path() string { return e.path }

func withSlash(path string) string {
	if strings.HasPrefix(path, "/") {
		return path
	}
	return "/" + path
}

// Get calls the endpoint with GET.
func (e Endpoint) Get(ctx context.Context, opts ...CallOption) (*Response, error) {
	return Send(ctx, e.c, http.MethodGet, e.path, nil, nil, opts)
}

// Post calls the endpoint with POST.
func (e Endpoint) Post(ctx context.Context, opts ...CallOption) (*Response, error) {
	return Send(ctx, e.c, http.MethodPost, e.path, nil, nil, opts)
}

// Put calls the endpoint with PUT.
func (e Endpoint) Put(ctx context.Context, opts ...CallOption) (*Response, error) {
	return Send(ctx, e.c, http.MethodPut, e.path, nil, nil, opts)
}

// Patch calls the endpoint with PATCH.
func (e Endpoint) Patch(ctx context.Context, opts ...CallOption) (*Response, error) {
	return Send(ctx, e.c, http.MethodPatch, e.path, nil, nil, opts)
}

// Delete calls the endpoint with DELETE.
func (e Endpoint) Delete(ctx context.Context, opts ...CallOption) (*Response, error) {
	return Send(ctx, e.c, http.MethodDelete, e.path, nil, nil, opts)
}

// GetAsync is [Endpoint.Get] in the background.
func (e Endpoint) GetAsync(ctx context.Context, opts ...CallOption) *Future[*Response] {
	return e.async(ctx, e.Get, opts)
}

// PostAsync is [Endpoint.Post] in the background.
func (e Endpoint) PostAsync(ctx context.Context, opts ...CallOption) *Future[*Response] {
	return e.async(ctx, e.Post, opts)
}

// PutAsync is [Endpoint.Put] in the background.
func (e Endpoint) PutAsync(ctx context.Context, opts ...CallOption) *Future[*Response] {
	return e.async(ctx, e.Put, opts)
}

// PatchAsync is [Endpoint.Patch] in the background.
func (e Endpoint) PatchAsync(ctx context.Context, opts ...CallOption) *Future[*Response] {
	return e.async(ctx, e.Patch, opts)
}

// DeleteAsync is [Endpoint.Delete] in the background.
func (e Endpoint) DeleteAsync(ctx context.Context, opts ...CallOption) *Future[*Response] {
	return e.async(ctx, e.Delete, opts)
}

type verb func(context.Context, ...CallOption) (*Response, error)

func (e Endpoint) async(ctx context.Context, do verb, opts []CallOption) *Future[*Response] {
	return Async(ctx, func(ctx context.Context) (*Response, error) { return do(ctx, opts...) })
}
