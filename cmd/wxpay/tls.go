package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"time"
)

const (
	authorityYears = 10
	serverDays     = 90 // from the handshake
)

// authority signs the certificates by which merchants' clients know the simulator's HTTPS server.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// authority is that of an earlier start, or a new one. What clients may trust is not replaced
// before its time.
func (d *simDir) authority(now time.Time) (*authority, error) {
	cert, key := d.file(caFile), d.file(caKeyFile)
	_, noCert := os.Lstat(cert)
	_, noKey := os.Lstat(key)
	switch noCert, noKey := errors.Is(noCert, fs.ErrNotExist), errors.Is(noKey, fs.ErrNotExist); {
	case noCert && !noKey:
		return nil, fmt.Errorf("the CA of --tls: %s is there, but %s is missing: put it back, or remove the other, and new ones are made", key, cert)
	case noKey && !noCert:
		return nil, fmt.Errorf("the CA of --tls: %s is there, but %s is missing: put it back, or remove the other, and new ones are made", cert, key)
	case !noCert:
		a, err := readAuthority(cert, key)
		if err != nil {
			return nil, fmt.Errorf("the CA of --tls: %w; remove %s and %s, and new ones are made", err, cert, key)
		}
		if now.Before(a.cert.NotAfter) {
			return a, nil
		}
	}
	a, err := newAuthority(now)
	if err != nil {
		return nil, err
	}
	return a, a.save(d)
}

func readAuthority(certFile, keyFile string) (*authority, error) {
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, err
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok || !pair.Leaf.IsCA {
		return nil, fmt.Errorf("%s is not what wxpay makes", certFile)
	}
	return &authority{pair.Leaf, key}, nil
}

func newAuthority(now time.Time) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serialNumber(), Subject: pkix.Name{CommonName: "wxpay simulator CA", Organization: []string{"wxpay simulator"}},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(authorityYears, 0, 0),
		KeyUsage: x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return &authority{cert, key}, err
}

// save writes the authority for clients and for the next start.
func (a *authority) save(d *simDir) error {
	key, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		return err
	}
	return errors.Join(
		d.write(caKeyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})),
		d.write(caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})),
	)
}

// config serves HTTPS by every name that a client asks for: in a container that is one which
// nobody told the simulator. Addresses are loopback and the one that listens.
func (a *authority) config(listen net.Addr) (*tls.Config, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	addresses := []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	if tcp, ok := listen.(*net.TCPAddr); ok && !tcp.IP.IsUnspecified() && !tcp.IP.IsLoopback() {
		addresses = append(addresses, tcp.IP)
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		ClientAuth: tls.RequestClientCert, // that of a merchant, for calls of APIv2 that want it: the gateway judges it
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			names := []string{"localhost"}
			if name := hello.ServerName; name != "" && name != "localhost" {
				names = append(names, name)
			}
			now := time.Now()
			template := &x509.Certificate{
				SerialNumber: serialNumber(), Subject: pkix.Name{CommonName: "wxpay simulator"},
				NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 0, serverDays),
				KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
				DNSNames: names, IPAddresses: addresses,
			}
			der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
			return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
		},
	}, nil
}

func serialNumber() *big.Int {
	var b [16]byte
	rand.Read(b[:])
	b[0] &= 0x7f // it is positive
	return new(big.Int).SetBytes(b[:])
}
