package bill

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/openwechatpay/wechatpay"
	"github.com/openwechatpay/wechatpay/crypt"
	"github.com/openwechatpay/wechatpay/internal/download"
)

// algorithm is the one that bills are asked to be encrypted with. The other one, SM4_GCM, is not in
// the standard library.
const algorithm = "AEAD_AES_256_GCM"

// parts is a bill that comes encrypted, in one or several files: what they hold, one after the other.
type parts struct {
	ctx    context.Context
	client *wechatpay.Client
	s      settings
	a      application

	list    []part
	next    int    // of list
	current *spool // of what is read, nil between two parts
	plain   io.Reader
}

type part struct {
	place
	Sequence   int64               `json:"bill_sequence"`
	EncryptKey wechatpay.Sensitive `json:"encrypt_key"`
	Nonce      string              `json:"nonce"`
}

// fetchSealed gets a bill that is encrypted. Its first part is authentic when it returns.
func fetchSealed(ctx context.Context, client *wechatpay.Client, s settings, a application) (*source, error) {
	p := &parts{ctx: ctx, client: client, s: s, a: a}
	err := p.apply()
	if err == nil {
		err = p.open()
	}
	if err != nil {
		return nil, err
	}
	return &source{file: p, proven: true}, nil
}

// apply asks where the parts are. Those that were read already have to be the same as then.
func (p *parts) apply() error {
	var told struct {
		Count int64  `json:"download_bill_count"`
		List  []part `json:"download_bill_list"`
	}
	if err := p.a.apply(p.ctx, p.client, &told); err != nil {
		return err
	}
	list := told.List
	slices.SortFunc(list, func(a, b part) int { return cmp.Compare(a.Sequence, b.Sequence) })
	if told.Count != int64(len(list)) {
		return damaged("the answer tells of %d files of the bill, and has %d", told.Count, len(list))
	}
	if len(list) == 0 {
		return &fault{ErrNotExist.Error() + ": the answer names no file", []error{ErrNotExist}}
	}
	for i, part := range list {
		if first := list[0].Sequence; first > 1 || first < 0 || part.Sequence != first+int64(i) {
			return damaged("the files of the bill are not numbered from 1 on without a gap")
		}
		if i < p.next && part.HashValue != p.list[i].HashValue || p.next > 0 && len(list) != len(p.list) {
			return damaged("the bill was made anew while it was downloaded")
		}
	}
	p.list = list
	return nil
}

// open gets the next part, authenticates it, and begins to decrypt it.
func (p *parts) open() error {
	file, err := p.download()
	if err != nil {
		return err
	}
	part := p.list[p.next]
	plain, err := part.decrypt(file)
	if err != nil {
		_ = file.Close()
		return err
	}
	p.current, p.plain = file, plain
	p.next++
	return nil
}

// download puts the next part, as it comes, into a file.
func (p *parts) download() (*spool, error) {
	var opts []wechatpay.CallOption // the hash is of what is decrypted and unpacked
	if p.s.maxBytes > 0 {
		const beside = 1 << 20 // what packing and encrypting may add
		opts = append(opts, wechatpay.MaxBytes(p.s.maxBytes+beside))
	}
	from, err := p.client.Download(p.ctx, p.list[p.next].DownloadURL, opts...)
	if expired(err) { // as addresses do before a long bill has come: it is applied for anew once for each part
		if err = p.apply(); err == nil {
			from, err = p.client.Download(p.ctx, p.list[p.next].DownloadURL, opts...)
		}
	}
	if err != nil {
		return nil, err
	}
	defer from.Close()
	file, err := newSpool(p.s.dir)
	if err != nil {
		return nil, err
	}
	if err := file.fill(&source{file: from}); err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

// decrypt is what the file of a part holds. Whether it was packed before it was encrypted is not
// documented: its first bytes tell.
func (part part) decrypt(file *spool) (io.Reader, error) {
	hash, err := download.ParseHash(part.HashType, part.HashValue)
	if err != nil {
		return nil, damaged("file %d of the bill: %v", part.Sequence, err)
	}
	plain, err := crypt.OpenGCMFile(string(part.EncryptKey), part.Nonce, "", file.file, file.size)
	if err != nil {
		return nil, &fault{fmt.Sprintf("file %d of the bill: %v", part.Sequence, err), []error{ErrDamaged, err}}
	}
	return download.New(io.NopCloser(plain), download.Config{
		Hash: hash, Unpack: true,
		Timeout: time.Hour, Cancel: func(error) {}, // for it comes from the disk
	}), nil
}

func (p *parts) Read(b []byte) (int, error) {
	for {
		if p.plain == nil {
			if p.next == len(p.list) {
				return 0, io.EOF
			}
			if err := p.open(); err != nil {
				return 0, err
			}
		}
		n, err := p.plain.Read(b)
		if err == io.EOF { // with its hash
			err = p.close()
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

func (p *parts) close() error {
	if p.current == nil {
		return nil
	}
	err := p.current.Close()
	p.current, p.plain = nil, nil
	return err
}

func (p *parts) Close() error {
	p.next = len(p.list)
	return p.close()
}
