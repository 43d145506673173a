package main

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// The files of a simulator's directory. The first is what it is known by, and what the next ones
// are made from.
const (
	worldFile       = "world.json"
	privateKeyFile  = "apiclient_key.pem"
	certificateFile = "apiclient_cert.pem"
	publicKeyFile   = "pub_key.pem"
	platformFile    = "platform_cert.pem"
	settingsFile    = "wechatpay.env"
	journalFile     = "journal.db"
	caFile          = "ca.pem"
	caKeyFile       = "ca_key.pem"
	lockName        = ".lock" // while it is in use
)

// temporary begins the names of files that are being written.
const temporary = ".wxpay-"

// simDir is where a simulator keeps its keys and its state from one start to the next.
type simDir struct {
	path  string       // absolute
	world *world.World // what the last start left, nil on the first

	made       bool // by lock
	unlockFile func()
}

// openSimDir takes a directory, which need not be there, for this wxpay alone, until unlock. It
// refuses one with other things in it, and changes nothing of what is there.
func openSimDir(path string) (*simDir, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	d := &simDir{path: path}
	if _, err := d.holdsWorld(); err != nil {
		return nil, err // before anything is put into it
	}
	if err := d.lock(); err != nil {
		return nil, err
	}
	known, err := d.holdsWorld() // now that nobody else changes it
	if err == nil && known {
		d.world, err = readWorld(d.file(worldFile))
		err = d.damaged(err)
	}
	if err != nil {
		d.unlock()
		return nil, err
	}
	return d, nil
}

// holdsWorld tells whether the directory was a simulator's before. One that is not there, or empty,
// was none but can be.
func (d *simDir) holdsWorld() (bool, error) {
	entries, err := os.ReadDir(d.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("the directory does not open: %w", err)
	}
	named := func(e fs.DirEntry) bool { return e.Name() == worldFile }
	if slices.ContainsFunc(entries, named) {
		return true, nil
	}
	foreign := func(e fs.DirEntry) bool { return e.Name() != lockName && !strings.HasPrefix(e.Name(), temporary) }
	if slices.ContainsFunc(entries, foreign) {
		return false, fmt.Errorf("%s is not a simulator's directory: it is not empty and has no %s; nothing was changed, choose another with --dir", d.path, worldFile)
	}
	return false, nil
}

// damaged says what to do about a world.json that reads, but is no world.
func (d *simDir) damaged(err error) error {
	if _, unread := errors.AsType[*fs.PathError](err); unread || err == nil {
		return err
	}
	return fmt.Errorf("%s is damaged: %w; it was left as it is: repair it, move it away, or choose another directory with --dir", d.file(worldFile), err)
}

func (d *simDir) file(name string) string { return filepath.Join(d.path, name) }

// readWorld reads a world.json.
func readWorld(name string) (*world.World, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return world.Read(bytes.NewReader(text))
}

// begin writes what a simulator needs to start again, before it has anything to keep. The world
// goes first: it makes the directory ours. The config is for HTTPS, if that is wanted.
func (d *simDir) begin(complete *world.World, j *journal, https bool, listen net.Addr) (*tls.Config, error) {
	if err := errors.Join(d.own(), d.removeTemporary()); err != nil {
		return nil, err
	}
	if err := d.saveWorld(complete); err != nil {
		return nil, err
	}
	if j != nil {
		if err := j.begin(); err != nil {
			return nil, err
		}
	}
	if !https {
		return nil, nil
	}
	ca, err := d.authority(time.Now())
	if err != nil {
		return nil, err
	}
	return ca.config(listen)
}

// save writes what an SDK needs to call the simulator.
func (d *simDir) save(s *simulator, m control.Merchant, https bool) error {
	files := []struct{ name, content string }{
		{privateKeyFile, m.PrivateKey},
		{certificateFile, m.Certificate},
		{publicKeyFile, publicKey(m)},
		{platformFile, strings.Join(m.Certificates, "")},
		{settingsFile, d.settings(s, m, https)},
	}
	for _, f := range files {
		if f.content == "" {
			continue // such as the private key of a merchant who keeps it
		}
		if err := d.write(f.name, []byte(f.content)); err != nil {
			return err
		}
	}
	return nil
}

// publicKey is empty for a merchant who has certificates only.
func publicKey(m control.Merchant) string {
	if m.KeyMode == world.CertificateMode {
		return ""
	}
	return m.PublicKey
}

// own keeps the directory to its owner. One that was used before keeps its mode.
func (d *simDir) own() error {
	if d.world != nil {
		return nil
	}
	return os.Chmod(d.path, 0o700)
}

// removeTemporary removes files that a start left which was broken off: there may be keys in them.
func (d *simDir) removeTemporary() error {
	entries, err := os.ReadDir(d.path)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), temporary) && e.Type().IsRegular() {
			err = errors.Join(err, os.Remove(d.file(e.Name())))
		}
	}
	return err
}

// saveWorld leaves a world.json alone that lacks nothing.
func (d *simDir) saveWorld(complete *world.World) error {
	text, err := encodeWorld(complete)
	if err != nil {
		return err
	}
	if d.world != nil {
		before, err := encodeWorld(d.world)
		if err != nil || bytes.Equal(before, text) {
			return err
		}
	}
	return d.write(worldFile, text)
}

func encodeWorld(w *world.World) ([]byte, error) {
	text, err := json.MarshalIndent(w, "", "  ")
	return append(text, '\n'), err
}

// write replaces a file as a whole or not at all.
func (d *simDir) write(name string, content []byte) error {
	f, err := os.CreateTemp(d.path, temporary+name+"-*") // of mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), d.file(name))
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// settings is what a shell can source. What is empty does not apply to this merchant.
func (d *simDir) settings(s *simulator, m control.Merchant, https bool) string {
	var b strings.Builder
	b.WriteString("# Where the simulator is and who may call it, for a shell: set -a; . ./" + settingsFile + "; set +a\n")
	set := func(name, value string, applies bool) {
		if !applies {
			value = ""
		}
		fmt.Fprintf(&b, "WECHATPAY_%s=%s\n", name, quote(value))
	}
	public := publicKey(m) != ""
	set("BASE_URL", s.baseURL, true)
	set("CA_FILE", d.file(caFile), https)
	set("MANAGE_URL", s.manageURL, true)
	set("MANAGE_TOKEN", s.token, true)
	set("MCHID", m.MchID, true)
	set("SERIAL_NO", m.SerialNo, true)
	set("PRIVATE_KEY_FILE", d.file(privateKeyFile), m.PrivateKey != "") // else the merchant has it
	set("CERTIFICATE_FILE", d.file(certificateFile), true)
	set("PUBLIC_KEY_ID", m.PublicKeyID, public)
	set("PUBLIC_KEY_FILE", d.file(publicKeyFile), public)
	set("PLATFORM_CERTIFICATE_FILE", d.file(platformFile), len(m.Certificates) > 0)
	set("APIV3_KEY", m.APIv3Key, true)
	set("APIV2_KEY", m.APIv2Key, true)
	return b.String()
}

// quote writes a value for a POSIX shell.
func quote(value string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:", r)
	}
	if value != "" && strings.IndexFunc(value, func(r rune) bool { return !plain(r) }) < 0 {
		return value
	}
	return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}
