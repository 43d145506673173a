package bill

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/openwechatpay/wechatpay"
)

// fault is an error with a text of its own.
type fault struct {
	text string
	errs []error
}

func (f *fault) Error() string   { return f.text }
func (f *fault) Unwrap() []error { return f.errs }

// ours is the error that the caller sees.
func ours(err error) error {
	if err == nil {
		return nil
	}
	return &fault{"bill: " + err.Error(), []error{err}}
}

func damaged(format string, args ...any) error {
	return &fault{fmt.Sprintf(format, args...), []error{ErrDamaged}}
}

// misread is what is wrong with the text of a bill. Whether the bill is to blame depends on how it
// came.
type misread string

func (m misread) Error() string { return string(m) }

// wrong is what is wrong in a line of the file, and in a column if it has a name.
func wrong(line int, column, what string) error {
	if column != "" {
		column = ", column " + column
	}
	return misread(fmt.Sprintf("line %d%s: %s", line, column, what))
}

// judged is the error of a reading. What WeChat Pay itself made is not damaged, and does not get
// better when it is got again.
func judged(err error, proven bool) error {
	m, ok := err.(misread)
	switch {
	case !ok:
		return err
	case proven:
		return &fault{ErrFormat.Error() + ": " + string(m), []error{ErrFormat}}
	}
	return &fault{string(m), []error{ErrDamaged}}
}

// unusable is the error of a file that did not come as it should: it is damaged, unless nobody waited
// for it, or it was asked for in vain.
func unusable(err error) error {
	if _, known := err.(*fault); known {
		return err
	}
	if _, call := errors.AsType[*wechatpay.Error](err); call {
		return explained(err)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &fault{err.Error(), []error{ErrDamaged, err}}
}

// explained is the error of a call, with what it means for the bill.
func explained(err error) error {
	e, ok := errors.AsType[*wechatpay.Error](err)
	if !ok {
		return err
	}
	if meaning := meaning(e); meaning != nil {
		return &fault{meaning.Error() + ": " + err.Error(), []error{meaning, err}}
	}
	return err
}

// meaning is what a failure means for the bill, nil if nothing special. A code of APIv3 is believed
// if it is signed, for a day without trades is easily believed; those of APIv2 are never signed, as
// its bills are not.
func meaning(e *wechatpay.Error) error {
	believed := e.Verified || strings.HasPrefix(e.Path, "/v2/")
	if !believed {
		return nil
	}
	switch e.Code {
	case "NO_STATEMENT_EXIST", "NO_BILL_EXIST", "20002":
		return ErrNotExist
	case "STATEMENT_CREATING", "BILL_CREATING":
		return ErrCreating
	}
	if strings.EqualFold(e.Message, "No Bill Exist") { // which came with several codes
		return ErrNotExist
	}
	return nil
}
