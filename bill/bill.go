// Package bill gets the bills (账单) of WeChat Pay, checks them, and reads their rows.
//
//	b, err := bill.Open(ctx, client, bill.Trade{Date: "2024-11-24"})
//	if err != nil {
//		return err // errors.Is(err, bill.ErrNotExist): nobody paid on that day
//	}
//	defer b.Close()
//	for row, err := range b.Rows() {
//		…
//	}
//
// [Open] does all: it asks for the bill, downloads it into a temporary file, unpacks, decrypts and
// checks it, and then hands over its rows. [Stream] does without the file: what it hands over holds
// only once the last row was followed by no error. [Read] reads a bill that is there already. However
// large a bill is, they need little memory, but for bills of APIv2. Bills of a day are made from 9
// o'clock of the next day on, in UTC+8: ask after 10.
//
// # Trust
//
// WeChat Pay does not sign a bill, but its hash. A bill is compared with that, and one that is
// encrypted is authenticated before it is decrypted. Then each row has to have all columns of the
// heading, amounts and times have to be such, and the counts and sums of the summary have to be
// those of the rows. All of it is done before Open returns, so that no row is seen that was not
// checked. Where the columns of a summary are documented, which they are for trade and fund-flow
// bills, all are compared; else at most the number of rows is: see [ProfitSharingRow],
// [StatementRow] and [Record].
//
// The bills [GlobalProfitSharing] and [GlobalRefunds] come with no hash, and those of APIv2 with no
// signature: they are as good as the connection.
//
// Nothing in a bill is signed that says of which day and whose it is, so that a proxy could hand
// over the answer to another question. Thus trade and fund-flow bills are [ErrDamaged] if they have
// rows and none is of the Date, or none of the SubMchID if one was asked for. One row that fits is
// enough, for at the edge of a day rows may be some seconds off. An empty bill, and those of the
// other kinds, say nothing.
//
// # Money
//
// Bills are in yuan with decimals. Here, amounts of two decimals are int64 in fen (分), and those of
// five, as of fees, are an [Amount]. Neither is ever a float, and what does not fit is an error.
//
// # Errors
//
// [ErrNotExist], [ErrCreating], [ErrDamaged] and [ErrFormat] tell what to do. Calls that fail are a
// *wechatpay.Error, so that package code's constants hold as well. An error of what is in a bill
// names line and column, and quotes no value but sums.
//
// # What is left out
//
// The bill of the payment score (GET /v3/payscore/merchant-bill) has no request here: its page says
// neither what its columns are nor what ends it. Package v3/payscore asks where its parts are.
package bill

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/openwechatpay/wechatpay"
)

var (
	// ErrNotExist: there is no bill (账单不存在), for nothing happened on that day. It will stay so.
	ErrNotExist = errors.New("there is no bill")
	// ErrCreating: the bill is being made (账单生成中). Ask again in half an hour, after 10 o'clock in
	// UTC+8.
	ErrCreating = errors.New("the bill is being made")
	// ErrDamaged: the file was cut off or changed, or is not the bill that was asked for. Take
	// nothing of it, and get it again.
	ErrDamaged = errors.New("the bill is damaged")
	// ErrFormat: the file is as WeChat Pay made it, for its hash was compared, but it does not read
	// as a bill that this package knows. Getting it again does not help. Take nothing of it, look
	// at the line that the error names, and report it.
	ErrFormat = errors.New("the bill is whole, but not of a known form")
)

// Option says something about how a bill is got.
type Option func(*settings) error

type settings struct {
	dir      string
	maxBytes int64
}

// TempDir is where temporary files are. Default: that of os.TempDir. They are as large as the bill,
// nobody else may read them, and none outlives [Bill.Close], an error, or the end of [Stream].
func TempDir(dir string) Option {
	return func(s *settings) error {
		if dir == "" {
			return errors.New("the TempDir is empty")
		}
		s.dir = dir
		return nil
	}
}

// MaxBytes limits the size of a bill, unpacked: more is [ErrDamaged]. Default: none, but a packed
// bill may not unpack to more than 200 times its size.
func MaxBytes(n int64) Option {
	return func(s *settings) error {
		if n <= 0 {
			return fmt.Errorf("MaxBytes is %d, want more than 0", n)
		}
		s.maxBytes = n
		return nil
	}
}

func newSettings(opts []Option) (settings, error) {
	var s settings
	for _, opt := range opts {
		if opt == nil {
			return s, errors.New("an Option is nil")
		}
		if err := opt(&s); err != nil {
			return s, err
		}
	}
	return s, nil
}

// Bill is one that was checked. Close it.
type Bill[R Row[R]] struct {
	// Columns are the headings, as the file has them.
	Columns []string
	// Summary is the end of the bill.
	Summary Summary

	file *spool
}

// Summary is what a bill says about itself.
type Summary struct {
	Rows   int64   // how many there are
	Totals []Total // in the order of the file; nil if the bill has none
}

// Total is a column of the summary (汇总数据).
type Total struct {
	Name    string // as today's bills head it, or as the file does if it is not known
	Text    string // as it is there: [ParseAmount] reads it
	Checked bool   // against the rows; else nothing is known about the column
}

// Open gets a bill and checks all of it: its hash, its rows, and its summary. The file that it keeps
// for [Bill.Rows] is gone after [Bill.Close], and if Open fails.
func Open[R Row[R]](ctx context.Context, client *wechatpay.Client, request Request[R], opts ...Option) (*Bill[R], error) {
	b, err := open(ctx, client, request, opts)
	return b, ours(err)
}

func open[R Row[R]](ctx context.Context, client *wechatpay.Client, request Request[R], opts []Option) (*Bill[R], error) {
	s, err := newSettings(opts)
	if err != nil {
		return nil, err
	}
	from, err := fetch(ctx, client, request, s)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	file, err := newSpool(s.dir)
	if err != nil {
		return nil, err
	}
	b := &Bill[R]{file: file}
	if err = file.fill(from); err == nil { // so that a hash was compared, if there is one
		err = judged(b.check(from.asked), from.proven)
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return b, nil
}

// check reads the bill once, for its errors.
func (b *Bill[R]) check(of asked) error {
	var row R
	p := newParser(row.layout(), b.file.reader())
	p.expect(of)
	if err := p.each(func(R) bool { return true }); err != nil {
		return err
	}
	b.Columns, b.Summary = p.names, p.summary
	return nil
}

// Rows are the bill's rows, from the first one each time it is called. An error, which is the last
// that comes, is one of the disk.
func (b *Bill[R]) Rows() iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		if err := read(b.file.reader(), asked{}, yield); err != nil {
			var none R
			yield(none, ours(err))
		}
	}
}

// Close removes the file.
func (b *Bill[R]) Close() error { return ours(b.file.Close()) }

// Stream hands over the rows of a bill while it comes. They are provisional until the iterator ends
// without an error: if the file was cut off or changed, it ends with one, and then none of them may
// be believed. Do what cannot be undone only after that, or use [Open]. Of encrypted bills a part at
// a time is on disk, for it is authenticated before it is decrypted.
func Stream[R Row[R]](ctx context.Context, client *wechatpay.Client, request Request[R], opts ...Option) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		if err := stream(ctx, client, request, opts, yield); err != nil {
			var none R
			yield(none, ours(err))
		}
	}
}

func stream[R Row[R]](ctx context.Context, client *wechatpay.Client, request Request[R], opts []Option, yield func(R, error) bool) error {
	s, err := newSettings(opts)
	if err != nil {
		return err
	}
	from, err := fetch(ctx, client, request, s)
	if err != nil {
		return err
	}
	defer from.Close()
	err = read(from, from.asked, yield)
	if _, ok := err.(misread); ok && from.proven { // its end tells whether it is to blame
		if _, end := io.Copy(io.Discard, from); end != nil {
			return end
		}
	}
	return judged(err, from.proven)
}

// Read reads a bill that is there already, unpacked and decrypted, such as from a file. Rows are
// provisional until the iterator ends without an error, as for [Stream]. Nothing tells whether the
// file is WeChat Pay's, and of kinds that need no summary, [StatementRow] and [Record], lines may be
// missing at the end; of those with one, none.
func Read[R Row[R]](file io.Reader) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		if err := read(file, asked{}, yield); err != nil {
			var none R
			yield(none, ours(judged(err, false)))
		}
	}
}

// read returns the error of the bill: who stopped before its end has none.
func read[R Row[R]](file io.Reader, of asked, yield func(R, error) bool) error {
	var none R
	p := newParser(none.layout(), file)
	p.expect(of)
	return p.each(func(row R) bool { return yield(row, nil) })
}
