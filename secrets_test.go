package wechatpay_test

import (
	"crypto"
	"crypto/rsa"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"log/slog"
	"maps"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/v3/ecommerce"
	fundapp "github.com/openwechatpay/wechatpay/v3/fund-app"
	"github.com/openwechatpay/wechatpay/v3/profitsharing"
	"github.com/openwechatpay/wechatpay/webhook"
)

// holders are the exported structs that can hold a secret, each with a value of its type and the fields
// that may show. Whatever else is text in one must not, in whichever way it is printed.
var holders = map[string]struct {
	value any
	shown string
}{
	"auth.Authorization": {auth.Authorization{}, "Scheme MchID BrandID SerialNo Nonce Timestamp"},
	"Merchant":           {wechatpay.Merchant{}, "MchID BrandID SerialNo Serial"},
	"webhook.Merchant":   {webhook.Merchant{}, "MchID"},
}

// simulated are those whose secrets are none: the simulator makes them up, and shows them to everybody
// who asks.
var simulated = regexp.MustCompile(`^sim(/|\.)`)

// harmless are fields of products that are named like secrets.
var harmless = []string{
	"IdempotencyKey", // tells two requests apart
	"Key",            // the name that a value goes by
	"Password",       // 密码区: is printed on every invoice
	"PubKey",         // is public
	"SandboxSignkey", // is good for a sandbox alone
}

// secret are the names and types that secrets go by in the source.
var (
	secretName = regexp.MustCompile(`(?i)(key|secret|secrets|signature|password)$`)
	secretType = regexp.MustCompile(`^\*?(crypto\.(Signer|Decrypter|PrivateKey)|rsa\.PrivateKey)$`)
	textType   = regexp.MustCompile(`^(\[\])*(string|byte)$`)
)

func TestNoTypeThatCanHoldASecretIsForgotten(t *testing.T) {
	t.Parallel()
	found := secretHolders(t)
	for _, name := range found {
		if _, ok := holders[name]; !ok {
			t.Errorf("%s can hold a secret: hide it, and add the type to holders", name)
		}
	}
	for name := range holders {
		if !slices.Contains(found, name) {
			t.Errorf("%s holds no secret any more, or is not there", name)
		}
	}
}

// secretHolders are the exported structs of public packages that can hold a secret: in a field of theirs, or
// of a struct that they hold. Fields that are [wechatpay.Sensitive] hide themselves.
func secretHolders(t *testing.T) []string {
	structs := map[string]*ast.StructType{} // by folder and name
	imports := map[*ast.StructType]map[string]string{}
	err := filepath.WalkDir(".", func(file string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && slices.Contains([]string{"cmd", "e2e", "tools", "testdata"}, entry.Name()) {
			return fs.SkipDir
		}
		if err != nil || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		source, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		folder := filepath.ToSlash(filepath.Dir(file))
		known := map[string]string{}
		for _, spec := range source.Imports {
			if dir, ours := strings.CutPrefix(strings.Trim(spec.Path.Value, `"`), module+"/"); ours {
				name := path.Base(dir)
				if spec.Name != nil {
					name = spec.Name.Name
				}
				known[name] = dir
			} else if strings.Trim(spec.Path.Value, `"`) == module {
				known["wechatpay"] = "."
			}
		}
		ast.Inspect(source, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				if s, ok := spec.Type.(*ast.StructType); ok {
					structs[folder+"."+spec.Name.Name], imports[s] = s, known
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(structs) < 100 {
		t.Fatalf("found %d structs: the test looks in the wrong place", len(structs))
	}
	guilty := map[string]bool{}
	for more := true; more; { // until nobody new holds one who holds one
		more = false
		for name, s := range structs {
			folder := name[:strings.LastIndex(name, ".")]
			if !guilty[name] && slices.ContainsFunc(s.Fields.List, func(f *ast.Field) bool { return holds(f, folder, imports[s], guilty) }) {
				guilty[name], more = true, true
			}
		}
	}
	var names []string
	for name := range guilty {
		name = strings.TrimPrefix(name, "..")
		if ast.IsExported(name[strings.LastIndex(name, ".")+1:]) && !strings.Contains(name, "internal/") && !simulated.MatchString(name) {
			names = append(names, name)
		}
	}
	return names
}

// holds tells whether the field is a secret, or of a type that holds one.
func holds(f *ast.Field, folder string, imports map[string]string, guilty map[string]bool) bool {
	kind := typeText(f.Type)
	if secretType.MatchString(kind) {
		return true
	}
	for _, name := range f.Names {
		if secretName.MatchString(name.Name) && textType.MatchString(kind) {
			return !strings.HasPrefix(folder, "v3/") && !strings.HasPrefix(folder, "v2/") || !slices.Contains(harmless, name.Name)
		}
	}
	if _, pointer := f.Type.(*ast.StarExpr); pointer && len(f.Names) > 0 && !f.Names[0].IsExported() {
		return false // prints as an address; where a wrong verb prints more, only a value shows it
	}
	held := false
	ast.Inspect(f.Type, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncType: // likewise
			return false
		case *ast.SelectorExpr:
			held = held || guilty[imports[typeText(n.X)]+"."+n.Sel.Name]
			return false
		case *ast.Ident:
			held = held || guilty[folder+"."+n.Name]
		}
		return true
	})
	return held
}

// typeText is a simple type as it is written, "" for another.
func typeText(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.StarExpr:
		return "*" + typeText(e.X)
	case *ast.ArrayType:
		return "[]" + typeText(e.Elt)
	case *ast.SelectorExpr:
		return typeText(e.X) + "." + e.Sel.Name
	}
	return ""
}

// TestNoTypePrintsASecret fills every text of what can hold a secret with a canary, but for what may
// show, and prints it in every way.
func TestNoTypePrintsASecret(t *testing.T) {
	t.Parallel()
	values := map[string]any{}
	for name, h := range holders {
		v := reflect.New(reflect.TypeOf(h.value))
		shown := strings.Fields(h.shown)
		if n := fill(v.Elem(), "", func(name string, _ reflect.Type) bool { return !slices.Contains(shown, name) }, 0); n == 0 {
			t.Errorf("%s took no canary", name)
		}
		values[name], values["*"+name] = v.Elem().Interface(), v.Interface()
	}
	// Requests of a few products, by the methods that take them.
	client := newClient(t, &gateway{})
	for name, verb := range map[string]any{
		"an application to become a merchant": ecommerce.New(client).Applyments().Post,
		"a receiver of shared profit":         profitsharing.New(client).Receivers().Add().Post,
		"a transfer to a user":                fundapp.New(client).MchTransfer().TransferBills().Post,
	} {
		in := reflect.New(reflect.TypeOf(verb).In(1))
		if n := fill(in.Elem(), "", func(_ string, t reflect.Type) bool { return t == reflect.TypeFor[wechatpay.Sensitive]() }, 0); n == 0 {
			t.Errorf("%s took no canary", name)
		}
		values[name], values["*"+name] = in.Elem().Interface(), in.Interface()
	}
	// Secrets that closures hold.
	m := merchant()
	m.APIv3Key = "canary-APIv3-key-0123456789-abcd"
	signer, err := auth.NewSigner(m.MchID, m.SerialNo, m.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	receiver, err := webhook.New(webhook.Merchant{Verifier: client.Verifier(), APIv3Key: m.APIv3Key})
	if err != nil {
		t.Fatal(err)
	}
	whole, err := wechatpay.New(m, wechatpay.Transport(&gateway{}), wechatpay.DownloadCertificates(time.Hour, func(error) {}))
	if err != nil {
		t.Fatal(err)
	}
	whole.Close() // some verbs print what pointers lead to, and downloads write there
	maps.Copy(values, map[string]any{"Signer": signer, "Receiver": receiver, "Client": whole, "a Client's value": *whole, "Endpoint": whole.Chain("v3/x")})
	for name, v := range values {
		checkSecrets(t, name, printedAndLogged(t, v))
	}
}

// printedAndLogged is v in every way of printing and logging it.
func printedAndLogged(t *testing.T, v any) string {
	t.Helper()
	var text strings.Builder
	log := slog.New(slog.NewMultiHandler(slog.NewTextHandler(&text, nil), slog.NewJSONHandler(&text, nil)))
	log.Info("x", "v", v, "group", slog.GroupValue(slog.Any("v", v)))
	fmt.Fprintf(&text, "%v %+v", struct{ V any }{v}, []any{v})
	return text.String() + printed(t, v)
}

// checkSecrets looks for canaries, and for what a private key is made of.
func checkSecrets(t *testing.T, name, text string) {
	t.Helper()
	checkCanaries(t, name, text)
	private := keys().merchant
	for _, secret := range []fmt.Stringer{private.D, private.Primes[0], private.Primes[1], private.Precomputed.Dp} {
		if strings.Contains(text, secret.String()) || strings.Contains(text, fmt.Sprintf("%x", secret)) {
			t.Errorf("%s shows a part of the private key", name)
		}
	}
}

// fill puts a canary into every text of v that is secret, in unexported fields too, and a private key
// where there may be one. It returns how many they were.
func fill(v reflect.Value, name string, secret func(name string, t reflect.Type) bool, depth int) (n int) {
	const deepest = 8
	text := "shown"
	if secret(name, v.Type()) {
		text, n = "canary-0123456789-0123456789-abc", 1
	}
	switch {
	case depth > deepest:
		return 0
	case v.Type() == reflect.TypeFor[crypto.Signer](), v.Type() == reflect.TypeFor[*rsa.PrivateKey]():
		v.Set(reflect.ValueOf(keys().merchant))
		return 1
	case v.Kind() == reflect.String:
		v.SetString(text)
		return n
	case v.Type() == reflect.TypeFor[[]byte]():
		v.SetBytes([]byte(text))
		return n
	}
	switch n = 0; v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		n = fill(v.Elem(), name, secret, depth+1)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		n = fill(v.Index(0), name, secret, depth+1)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		n = fill(key, name, secret, depth+1) + fill(value, name, secret, depth+1)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Struct:
		if pkg := v.Type().PkgPath(); pkg != "" && !strings.HasPrefix(pkg, module) {
			return 0 // of the standard library, such as a time
		}
		for i := range v.NumField() {
			f := v.Field(i)
			n += fill(reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem(), v.Type().Field(i).Name, secret, depth+1)
		}
	}
	return n
}
