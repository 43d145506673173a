package code_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
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

// TestEveryCodeIsWrittenAsWeChatPayWritesIt reads the source, for no list of the constants is kept.
func TestEveryCodeIsWrittenAsWeChatPayWritesIt(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "code.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	form := regexp.MustCompile(`^[A-Z]+(_[A-Z]+)*$`)
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
		if err != nil || !form.MatchString(text) {
			t.Errorf("%s is %q, %v", name, text, err)
		}
		if other, twice := names[text]; twice {
			t.Errorf("%s and %s are both %s", other, name, text)
		}
		names[text] = name
	}
	if names["ORDER_NOT_EXIST"] != "OrderNotExist" || len(names) < 20 {
		t.Errorf("found %v", names)
	}
}
