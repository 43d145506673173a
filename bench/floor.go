package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strconv"
	"time"

	"github.com/openwechatpay/wechatpay/v3/payscore"
)

// floor makes a call by hand, as a careful program would that knows this one operation: the same request,
// the same limits, the same checks of the answer. Its transport is set up like the SDK's.
type floor struct {
	http      *http.Client
	address   string
	signer    crypto.Signer
	platform  *rsa.PublicKey
	userAgent string
}

func (b *bench) floor(key crypto.Signer) *floor {
	return &floor{
		http: &http.Client{
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: &http.Transport{
				Proxy:                 http.ProxyFromEnvironment,
				DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
				TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
				TLSHandshakeTimeout:   10 * time.Second,
				ForceAttemptHTTP2:     true,
				MaxIdleConnsPerHost:   1024,
				IdleConnTimeout:       7 * time.Second,
				ExpectContinueTimeout: time.Second,
			},
		},
		address: b.server.address, signer: key, platform: &b.platform.PublicKey,
		userAgent: fmt.Sprintf("openwechatpay (%s; %s/%s)", runtime.Version(), runtime.GOOS, runtime.GOARCH),
	}
}

func (f *floor) cancel(ctx context.Context) error {
	body, err := json.Marshal(payscore.CancelPartnerServiceOrderRequest{SubMchID: subMchID, Reason: reason})
	if err != nil {
		return err
	}
	_, err = f.do(ctx, http.MethodPost, "/v3/payscore/partner/serviceorder/"+url.PathEscape(outOrderNo)+"/cancel", body, http.StatusNoContent)
	return err
}

func (f *floor) query(ctx context.Context) error {
	target := "/v3/payscore/partner/serviceorder?service_id=" + url.QueryEscape(serviceID) +
		"&sub_mchid=" + url.QueryEscape(subMchID) + "&out_order_no=" + url.QueryEscape(outOrderNo)
	text, err := f.do(ctx, http.MethodGet, target, nil, http.StatusOK)
	if err != nil {
		return err
	}
	var order payscore.GetPartnerServiceOrderResponse
	if err := json.Unmarshal(text, &order); err != nil {
		return err
	}
	return checkOrder(&order)
}

// do sends a request and returns the bytes that were verified.
func (f *floor) do(ctx context.Context, method, target string, body []byte, status int) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, f.address+target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if err := f.sign(req, target, body); err != nil {
		return nil, err
	}
	res, err := f.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.ContentLength < 0 || res.ContentLength > 10<<20 {
		return nil, errors.New("the answer has another length")
	}
	text := make([]byte, res.ContentLength)
	if _, err := io.ReadFull(res.Body, text); err != nil {
		return nil, err
	}
	if res.StatusCode != status {
		return nil, errors.New(res.Status)
	}
	return text, verify(f.platform, res.Header, text)
}

func (f *floor) sign(req *http.Request, target string, body []byte) error {
	var raw [16]byte
	rand.Read(raw[:])
	nonce, timestamp := hex.EncodeToString(raw[:]), strconv.FormatInt(time.Now().Unix(), 10)
	digest := sha256.Sum256([]byte(req.Method + "\n" + target + "\n" + timestamp + "\n" + nonce + "\n" + string(body) + "\n"))
	signature, err := f.signer.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", `WECHATPAY2-SHA256-RSA2048 mchid="`+mchID+`",nonce_str="`+nonce+`",timestamp="`+timestamp+
		`",serial_no="`+serialNo+`",signature="`+base64.StdEncoding.EncodeToString(signature)+`"`)
	req.Header.Set("Wechatpay-Serial", keyID)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", f.userAgent)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return nil
}

// verify checks an answer or a notification by hand.
func verify(key *rsa.PublicKey, header http.Header, body []byte) error {
	timestamp := header.Get("Wechatpay-Timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > 5*time.Minute || header.Get("Wechatpay-Serial") != keyID {
		return errors.New("not fresh, or another key")
	}
	signature, err := base64.StdEncoding.DecodeString(header.Get("Wechatpay-Signature"))
	if err != nil {
		return err
	}
	digest := sha256.Sum256([]byte(timestamp + "\n" + header.Get("Wechatpay-Nonce") + "\n" + string(body) + "\n"))
	return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature)
}
