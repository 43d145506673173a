package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/openwechatpay/wechatpay/openssl"
	"github.com/openwechatpay/wechatpay/sim"
	"github.com/openwechatpay/wechatpay/sim/control"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// simFlags is what wxpay sim is asked for.
type simFlags struct {
	listen, manage string
	token          string // of the management API
	dir, seed      string
	callbacks      []string
	memory, https  bool
	stateless      *bool // nil if the world says
}

func (p program) simCommand() *cobra.Command {
	f := simFlags{listen: "127.0.0.1:8080", manage: "127.0.0.1:8081"}
	cmd := &cobra.Command{
		Use:   "sim",
		Short: "Run the simulator, for any SDK in any language, or speak to one that runs",
		Long: `Run a gateway that answers as WeChat Pay (微信支付) does, until Ctrl-C.

The directory keeps what an SDK needs to call it, and the next start goes on with the same
keys, orders, clock and notifications:

  apiclient_key.pem   the merchant's private key (商户API私钥)
  apiclient_cert.pem  the merchant's certificate (商户API证书)
  pub_key.pem         WeChat Pay's public key (微信支付公钥), or platform_cert.pem
                      (平台证书) for a merchant in certificate mode
  wechatpay.env       numbers, addresses and the APIv3 key (APIv3密钥), for a shell
  world.json          all of whom the simulator knows; the files above follow from it
  journal.db          all that happened; without it the simulator begins without orders
  ca.pem              with --tls, what an SDK has to trust to call it by HTTPS

The commands below play the users, move the clock and tell what was sent: they speak the
management API of a simulator that runs. On loopback it wants no token, unless one is given; on
another address it does, and makes one for wechatpay.env if none is given. All keys are made for
the simulator: do not use them elsewhere.`,
		Example: `  wxpay sim
  wxpay sim --listen 127.0.0.1:0 --dir ./another
  wxpay sim --listen 0.0.0.0:8080 --allow-callbacks shop    for a container named shop
  wxpay sim --tls --listen 127.0.0.1:8443
  wxpay sim --manage 0.0.0.0:8081    with a token, for other machines

  wxpay sim user confirm 20241124001    in another terminal, as the order's user
  wxpay sim clock advance 30d
  wxpay sim requests --follow`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.sim(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.Func("listen", "`address` that merchants call, port 0 for any that is free (default "+f.listen+")", f.setListen)
	flags.Func("manage", "`address` of the management API, with a token unless it is on loopback (default "+f.manage+")", f.setManage)
	flags.Func("manage-token", "`token` that calls of the management API have to carry (default $"+tokenVariable+", else one is made unless it is on loopback)", f.setToken)
	flags.StringVar(&f.dir, "dir", "wxpay-sim", "`directory` of keys and settings, made if it is not there")
	flags.StringVar(&f.seed, "seed", "", "world.json to begin with, a `file`; for a new directory only")
	flags.BoolVar(&f.memory, "memory", false, "keep orders in memory only; "+journalFile+" is neither read nor written")
	flags.BoolFunc("stateless", "answer every operation in its documented shape, by no product's rules; "+worldFile+" keeps it until --stateless=false", f.setStateless)
	flags.BoolVar(&f.https, "tls", false, "serve merchants by HTTPS, with a CA of its own in "+caFile)
	flags.Func("allow-callbacks", "`host` other than loopback that notifications (回调通知) may go to; repeatable", f.addCallbacks)
	cmd.AddCommand(p.userCommand(), p.phoneCommand(), p.clockCommand(), p.faultCommand(), p.notifyCommand(), p.requestsCommand(), p.certificateCommand(), p.applicationCommand(), p.resetCommand())
	return cmd
}

func (f *simFlags) setListen(address string) error {
	f.listen = address
	_, _, err := net.SplitHostPort(address)
	return err
}

func (f *simFlags) setManage(address string) error {
	f.manage = address
	_, _, err := net.SplitHostPort(address)
	return err
}

func (f *simFlags) setToken(token string) error {
	f.token = token
	return checkToken(token)
}

// checkToken refuses what does not go into a header.
func checkToken(token string) error {
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("a token has printable ASCII characters only, and no spaces")
	}
	return nil
}

// manageToken is what calls to the management API on address have to carry, "" if nothing.
func (f *simFlags) manageToken(address net.Addr) (string, error) {
	token := cmp.Or(f.token, os.Getenv(tokenVariable))
	if err := checkToken(token); err != nil {
		return "", fmt.Errorf("$%s: %w", tokenVariable, err)
	}
	if token == "" && !isLoopback(address) {
		token = rand.Text()
	}
	return token, nil
}

func (f *simFlags) addCallbacks(host string) error {
	f.callbacks = append(f.callbacks, host)
	if host == "" || strings.ContainsAny(host, "/ ") || strings.Contains(host, ":") && net.ParseIP(host) == nil {
		return errors.New("want a host name or an IP address alone, without scheme and port")
	}
	return nil
}

func (f *simFlags) setStateless(text string) error {
	stateless, err := strconv.ParseBool(text)
	f.stateless = &stateless
	return err
}

// sim runs a simulator until ctx ends. Listeners come first, so that one who has to choose
// another address finds the directory untouched.
func (p program) sim(ctx context.Context, f simFlags) (err error) {
	merchants, err := listen("--listen", f.listen)
	if err != nil {
		return err
	}
	defer merchants.Close()
	management, err := listen("--manage", f.manage)
	if err != nil {
		return err
	}
	defer management.Close()
	if f.token, err = f.manageToken(management.Addr()); err != nil {
		return err
	}

	dir, err := openSimDir(f.dir)
	if err != nil {
		return err
	}
	defer dir.unlock()
	var journal *journal
	if !f.memory {
		journal = newJournal(dir.file(journalFile))
		journal.report = func(err error) { fmt.Fprintf(p.stderr, "wxpay: %v\n", err) }
		defer func() { err = errors.Join(err, journal.Close()) }()
	}
	gateway, err := p.gateway(f, dir, journal)
	if err != nil {
		return err
	}
	config, err := dir.begin(gateway.World(), journal, f.https, merchants.Addr())
	if err != nil {
		gateway.Close()
		return err
	}
	s := serve(gateway, merchants, management, config, p.stderr)
	s.token = f.token
	defer s.Close()
	merchant, err := firstMerchant(ctx, s)
	if err != nil {
		return err
	}
	if err := dir.save(s, merchant, f.https); err != nil {
		return err
	}
	p.introduce(s, dir, merchant, f)
	if !isLoopback(merchants.Addr()) {
		fmt.Fprintf(p.stderr, "wxpay: warning: other machines can call --listen %s, and the keys of a simulator are no secret\n", f.listen)
	}
	if !isLoopback(management.Addr()) {
		fmt.Fprintf(p.stderr, "wxpay: warning: other machines can call --manage %s, by HTTP, if they have the token\n", f.manage)
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.failed:
		return err
	}
}

// listen opens a listener for a flag, which is what to change if it fails.
func listen(flag, address string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if err == nil {
		return listener, nil
	}
	if cause, ok := errors.AsType[*os.SyscallError](err); ok {
		err = cause.Err // without the address once more
	}
	return nil, fmt.Errorf("%s %s: %w; choose another with %s, port 0 for any that is free", flag, address, err, flag)
}

func isLoopback(address net.Addr) bool {
	tcp, ok := address.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// gateway is made from what the directory or the seed has. It changes neither.
func (p program) gateway(f simFlags, dir *simDir, journal *journal) (*sim.Gateway, error) {
	w := dir.world
	if f.seed != "" {
		if w != nil {
			return nil, fmt.Errorf("%s has a %s already, so --seed is of no use: leave it out, or choose a new directory with --dir", dir.path, worldFile)
		}
		var err error
		if w, err = readWorld(f.seed); err != nil {
			return nil, fmt.Errorf("--seed %s: %w", f.seed, err)
		}
	}
	if f.stateless != nil {
		own := *world.Default()
		if w != nil {
			own = *w
		}
		own.Stateless, w = *f.stateless, &own
	}
	config := sim.Config{
		World: w, Log: slog.New(&requestLog{w: p.stdout, why: p.stderr}), AllowCallbacks: f.callbacks, ManageToken: f.token, Signer: openssl.SignerOr,
	}
	if journal != nil {
		config.Journal = journal
	}
	gateway, err := sim.New(config)
	if err != nil {
		if unread, ok := errors.AsType[*journalError](err); ok {
			return nil, unread
		}
		if dir.world != nil {
			err = dir.damaged(err)
		}
		return nil, err
	}
	signs := func(m world.Merchant) bool { return m.Certificate != "" }
	if !slices.ContainsFunc(gateway.World().Merchants, signs) {
		gateway.Close()
		return nil, fmt.Errorf("the world has no merchant that signs calls: add one to its %s", worldFile)
	}
	return gateway, nil
}

// firstMerchant is who the files of the directory are for.
func firstMerchant(ctx context.Context, s *simulator) (control.Merchant, error) {
	merchants, err := control.New(s.manageURL, http.DefaultClient).WithToken(s.token).Merchants(ctx)
	if err != nil {
		return control.Merchant{}, err
	}
	if len(merchants) == 0 {
		return control.Merchant{}, errors.New("the simulator has no merchant that signs calls")
	}
	return merchants[0], nil
}

// introduce prints how to point an SDK at the simulator.
func (p program) introduce(s *simulator, dir *simDir, m control.Merchant, f simFlags) {
	fmt.Fprintln(p.stdout, "The simulator answers as WeChat Pay does. Point an SDK at it:")
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	row := func(name, value string) { fmt.Fprintf(t, "  %s\t%s\n", name, value) }
	row("base URL", s.baseURL)
	if f.https {
		row("  its CA", dir.file(caFile))
	}
	row("merchant", m.MchID+", serial number "+m.SerialNo)
	if w := s.gateway.World(); w.Merchant(world.ServiceProvider) != nil && w.Service(world.ServiceID) != nil {
		row("  sub-merchant", world.SubMerchant+", appid "+world.AppID)
		row("  service", world.ServiceID+", others in "+dir.file(worldFile))
	}
	if m.PrivateKey != "" {
		row("private key", dir.file(privateKeyFile))
	}
	row("certificate", dir.file(certificateFile))
	if m.KeyMode != world.CertificateMode {
		row("public key", dir.file(publicKeyFile))
		row("  its ID", m.PublicKeyID)
	}
	if len(m.Certificates) > 0 {
		row("platform certificate", dir.file(platformFile))
	}
	row("settings", "set -a; . "+quote(dir.file(settingsFile))+"; set +a")
	row("management", s.manageURL)
	if s.token != "" {
		row("  its token", tokenVariable+" in "+dir.file(settingsFile))
	}
	if !f.memory {
		row("orders", dir.file(journalFile))
	}
	_ = t.Flush()
	where, curl := "", "curl"
	if s.token != "" {
		curl = `curl -H "Authorization: Bearer $` + tokenVariable + `"`
	}
	if s.manageURL != defaultManageURL {
		where = " --manage " + s.manageURL
	}
	fmt.Fprintf(p.stdout, `
A user confirms an order:
  wxpay sim user confirm ORDER%[1]s
All requests, and what was wrong with them:
  wxpay sim requests --follow%[1]s
  %[3]s %[2]s/requests

`, where, s.manageURL, curl)
}
