package main

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// signatures are RSA-2048 by itself, beside what OpenSSL says of itself.
func (b *bench) signatures(how effort) ([]row, error) {
	digest := sha256.Sum256([]byte(order))
	by := func(key crypto.Signer) contender {
		return each(func() error {
			_, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
			return err
		})
	}
	contenders := []contender{by(b.merchant)}
	if b.openssl != nil {
		contenders = append(contenders, by(b.openssl))
	}
	all, err := compete(how, 1, contenders...)
	if err != nil {
		return nil, err
	}
	standard := figure(perSecond(all[0]), 0)
	alone := row{name: "signatures alone", cells: append([]cell{standard}, without(2)...)}
	if b.openssl != nil {
		alone.cells = []cell{standard, figure(perSecond(all[1]), 0), between(over(all[0], all[1]))}
	}
	speed := row{name: "openssl speed rsa2048", cells: append([]cell{standard}, without(2)...)}
	if n, version, err := opensslSpeed(); err != nil {
		speed.cells[1] = nothing("not to be had: " + err.Error())
	} else {
		speed.name += ", of " + version
		speed.cells = []cell{standard, figure(n, 0), figure(n/perSecond(all[0]), 3)}
	}
	return []row{alone, speed}, nil
}

// speedLine has a number, the bits, and the signatures and verifications in a second.
var speedLine = regexp.MustCompile(`(?m)^\+F2:\d+:2048:([0-9.]+):`)

// opensslSpeed is the signatures that the program openssl makes in a second of CPU time, and what it calls
// itself: it may be another one than the library.
func opensslSpeed() (perSecond float64, version string, err error) {
	named, err := exec.Command("openssl", "version").Output()
	if err != nil {
		return 0, "", err
	}
	out, err := exec.Command("openssl", "speed", "-seconds", "1", "-mr", "rsa2048").Output()
	if err != nil {
		return 0, "", err
	}
	found := speedLine.FindSubmatch(out)
	if found == nil {
		return 0, "", errors.New("it printed no speed")
	}
	version, _, _ = strings.Cut(strings.TrimSpace(string(named)), " (")
	perSecond, err = strconv.ParseFloat(string(found[1]), 64)
	return perSecond, version, err
}
