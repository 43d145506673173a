package code_test

import (
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/openwechatpay/wechatpay/code"
)

func TestACodeIsAnErrorThatCanBeAskedFor(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("cancel: %w", code.OrderNotExist)
	if !errors.Is(err, code.OrderNotExist) || !errors.Is(err, code.Code("ORDER_NOT_EXIST")) {
		t.Errorf("%v is not found", err)
	}
	if errors.Is(err, code.OrderPaid) || errors.Is(err, code.Code("order_not_exist")) {
		t.Errorf("%v is taken for another", err)
	}
	if got, ok := errors.AsType[code.Code](err); !ok || got.Error() != "ORDER_NOT_EXIST" {
		t.Errorf("%v holds the code %q", err, got)
	}
}

// constants reads the source, for no list of the constants is kept: names by code.
func constants(t *testing.T) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "code.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	names := make(map[string]string)
	for node := range ast.Preorder(file) {
		spec, ok := node.(*ast.ValueSpec)
		if !ok {
			continue
		}
		name := spec.Names[0].Name
		if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "Code" || len(spec.Values) != 1 {
			t.Errorf("%s is not one Code", name)
			continue
		}
		text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		if other, twice := names[text]; twice {
			t.Errorf("%s and %s are both %s", other, name, text)
		}
		names[text] = name
	}
	return names
}

// initialisms are the words that Go writes unlike other words.
var initialisms = map[string]string{
	"APPID": "AppID", "MCHID": "MchID", "OPENID": "OpenID", "TRANSACTIONID": "TransactionID", "UTF8": "UTF8", "XML": "XML",
}

func TestEveryNameFollowsFromItsCode(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^[A-Z]+(_[A-Z]+8?)*$`)
	for text, name := range constants(t) {
		want := ""
		for word := range strings.SplitSeq(text, "_") {
			want += cmp.Or(initialisms[word], word[:1]+strings.ToLower(word[1:]))
		}
		if !form.MatchString(text) || name != want {
			t.Errorf("%q is %s, want %s", text, name, want)
		}
	}
}

//go:embed testdata/documented.txt
var documented string

func TestEveryCodeThatTheDocumentsListIsThere(t *testing.T) {
	t.Parallel()
	names, listed := constants(t), 0
	for line := range strings.Lines(documented) {
		codes, _, _ := strings.Cut(line, "#")
		for text := range strings.FieldsSeq(codes) {
			if listed++; names[text] == "" {
				t.Errorf("%s is not there", text)
			}
		}
	}
	if listed < len(names) {
		t.Errorf("%d codes are listed, %d are there", listed, len(names))
	}
}
