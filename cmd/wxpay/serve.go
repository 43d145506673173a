package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/openwechatpay/wechatpay/sim"
)

// shutdown is how long calls that are under way may take to end.
const shutdown = 3 * time.Second

// simulator is a gateway and its management API, each on a listener of its own.
type simulator struct {
	gateway   *sim.Gateway
	baseURL   string // for merchants
	manageURL string // for who plays their users
	token     string // that they need, if there is one

	servers []*http.Server
	failed  chan error // of a listener that broke
}

// serve starts a simulator, for merchants by HTTPS if there is a config for it. Close ends it and
// its listeners.
func serve(gateway *sim.Gateway, merchants, management net.Listener, https *tls.Config, stderr io.Writer) *simulator {
	s := &simulator{
		gateway:   gateway,
		baseURL:   urlOf(merchants.Addr()),
		manageURL: urlOf(management.Addr()),
		failed:    make(chan error, 2),
	}
	if https != nil {
		merchants = tls.NewListener(merchants, https)
		s.baseURL = "https" + strings.TrimPrefix(s.baseURL, "http")
	}
	s.start(merchants, gateway, stderr)
	s.start(management, gateway.Management(), stderr)
	return s
}

func (s *simulator) start(listener net.Listener, handler http.Handler, stderr io.Writer) {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       8 * time.Second, // as WeChat Pay's: Keep-Alive: timeout=8

		DisableGeneralOptionsHandler: true, // OPTIONS * gets what any unknown path gets
		ErrorLog:                     log.New(stderr, "wxpay: ", 0),
	}
	s.servers = append(s.servers, server)
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("%v takes no more calls: %w", listener.Addr(), err)
		}
	}()
}

// Close lets the calls that are under way end, for a moment.
func (s *simulator) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), shutdown)
	defer cancel()
	for _, server := range s.servers {
		if server.Shutdown(ctx) != nil {
			_ = server.Close()
		}
	}
	s.gateway.Close()
}

// urlOf is how this machine reaches a listener.
func urlOf(address net.Addr) string {
	host, port, err := net.SplitHostPort(address.String())
	if err == nil && net.ParseIP(host).IsUnspecified() {
		return "http://" + net.JoinHostPort("127.0.0.1", port)
	}
	return "http://" + address.String()
}
