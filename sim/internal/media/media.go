// Package media is the uploads of images and videos (媒体文件), whose media_id other operations take.
package media

import (
	"crypto/rand"

	"github.com/openwechatpay/wechatpay/sim/internal/front"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
)

// File is an uploaded file, without its content.
type File struct {
	MchID string `json:"mchid"`
	Name  string `json:"filename"`
	Hash  string `json:"sha256"`
	Bytes int    `json:"bytes"`
	Video bool   `json:"video"`
}

// Register adds the uploads to a gateway.
func Register(f *front.Front) {
	files := store.NewTable(f.Store, "media", store.Hooks[File]{})
	f.Handle("POST /v3/merchant/media/upload", func(tx *store.Tx, c *front.Call) (any, error) { return keep(tx, c, files, false) })
	f.Handle("POST /v3/merchant/media/video_upload", func(tx *store.Tx, c *front.Call) (any, error) { return keep(tx, c, files, true) })
}

// keep notes the file. The same file again gets another media_id, which is a guess.
func keep(tx *store.Tx, c *front.Call, files *store.Table[File], video bool) (any, error) {
	var meta struct {
		Name string `json:"filename"`
		Hash string `json:"sha256"`
	}
	if err := c.Decode(&meta); err != nil {
		return nil, err
	}
	id := rand.Text() + rand.Text()
	files.Put(tx, id, &File{MchID: c.Merchant.MchID, Name: meta.Name, Hash: meta.Hash, Bytes: len(c.Upload.File), Video: video})
	return struct {
		MediaID string `json:"media_id"`
	}{id}, nil
}
