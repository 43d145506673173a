package wechatpay

import (
	"crypto/tls"
	"testing"
	"time"
)

func TestTheDefaultTransportIsCautious(t *testing.T) {
	t.Parallel()
	hc := new(Client).withoutRedirects()
	tr := newTransport()
	if _, ok := hc.Transport.(withoutLocation); !ok {
		t.Errorf("the default transport is a %T", hc.Transport)
	}
	if tr.TLSClientConfig.MinVersion != tls.VersionTLS12 || tr.TLSClientConfig.InsecureSkipVerify {
		t.Errorf("it takes TLS from %s on", tls.VersionName(tr.TLSClientConfig.MinVersion))
	}
	// WeChat Pay closes an idle connection after 8 seconds.
	if tr.IdleConnTimeout != 7*time.Second {
		t.Errorf("it keeps an idle connection for %v", tr.IdleConnTimeout)
	}
}
