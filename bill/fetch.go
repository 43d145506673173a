package bill

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/internal/download"
)

// fetch gets the file of a bill, unpacked and decrypted. It reads io.EOF only if the file came whole
// and with its hash, and its other errors say what to think of the bill.
func fetch[R Row[R]](ctx context.Context, client *wechatpay.Client, request Request[R], s settings) (*source, error) {
	if request == nil {
		return nil, errors.New("the request is nil")
	}
	from, err := request.fetch(ctx, client, s)
	if err != nil {
		return nil, explained(err)
	}
	from.left, from.limited = s.maxBytes, s.maxBytes > 0
	if r, ok := request.(interface{ asked() asked }); ok {
		from.asked = r.asked()
	}
	return from, nil
}

// source is the file of a bill on its way.
type source struct {
	file    io.ReadCloser
	proven  bool  // at its end it is known to be what WeChat Pay made
	asked   asked // what it has to be of
	left    int64
	limited bool
}

func (s *source) Read(p []byte) (int, error) {
	if s.limited && int64(len(p)) > s.left+1 { // one more tells the end from more
		p = p[:s.left+1]
	}
	n, err := s.file.Read(p)
	if s.limited && int64(n) > s.left {
		return 0, damaged("the bill has more bytes than MaxBytes allows")
	}
	s.left -= int64(n)
	if err == nil || err == io.EOF {
		return n, err
	}
	return n, unusable(err)
}

func (s *source) Close() error { return s.file.Close() }

type pair struct{ name, value string }

// options are the queries that say something.
func options(query []pair) (opts []wechatpay.CallOption) {
	for _, q := range query {
		if q.value != "" {
			opts = append(opts, wechatpay.Query(q.name, q.value))
		}
	}
	return opts
}

// application is how a bill is applied for.
type application struct {
	path  string
	date  string
	query []pair
	gzip  bool
	hash  bool // the answer has to tell one
}

// place is where a file is, and what it is.
type place struct {
	DownloadURL string `json:"download_url"`
	HashType    string `json:"hash_type"`
	HashValue   string `json:"hash_value"`
}

// apply asks for a bill, into out.
func (a application) apply(ctx context.Context, client *wechatpay.Client, out any) error {
	if _, err := compact(a.date); err != nil {
		return err
	}
	query := append([]pair{{"bill_date", a.date}}, a.query...)
	if a.gzip {
		query = append(query, pair{"tar_type", "GZIP"})
	}
	res, err := client.Chain(a.path).Get(ctx, options(query)...)
	if err != nil {
		return err
	}
	return res.Decode(out)
}

// fetchPlain gets a file that is not encrypted.
func fetchPlain(ctx context.Context, client *wechatpay.Client, a application) (*source, error) {
	for again := false; ; again = true {
		var at place
		if err := a.apply(ctx, client, &at); err != nil {
			return nil, err
		}
		var opts []wechatpay.CallOption
		if a.hash || at.HashValue != "" {
			opts = append(opts, wechatpay.Hash(at.HashType, at.HashValue))
		}
		file, err := client.Download(ctx, at.DownloadURL, opts...)
		if err == nil {
			return &source{file: file, proven: len(opts) > 0}, nil
		}
		if again || !expired(err) {
			return nil, err
		}
	}
}

// expired tells whether the address of a download has to be applied for anew: it lasts five minutes.
func expired(err error) bool {
	e, ok := errors.AsType[*wechatpay.Error](err)
	return ok && e.StatusCode == http.StatusBadRequest && e.Code == "INVALID_REQUEST"
}

// fetchV2 gets a bill of APIv2, all of which is in memory then.
func fetchV2(ctx context.Context, client *wechatpay.Client, path, date string, body map[string]string) (*source, error) {
	date, err := compact(date)
	if err != nil {
		return nil, err
	}
	if body["appid"] == "" {
		return nil, errors.New("the AppID is empty: APIv2 wants it")
	}
	body["bill_date"] = date
	res, err := client.Chain(path).Post(ctx, wechatpay.XML(body))
	if err != nil {
		return nil, err
	}
	file, err := download.Unpack(bytes.NewReader(res.Body))
	if err != nil {
		return nil, unusable(fmt.Errorf("the file does not unpack: %w", err))
	}
	return &source{file: io.NopCloser(file)}, nil
}
