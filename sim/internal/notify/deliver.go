package notify

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/openwechatpay/wechatpay/auth"
	"github.com/openwechatpay/wechatpay/crypt"
	"github.com/openwechatpay/wechatpay/sim/internal/clock"
	"github.com/openwechatpay/wechatpay/sim/internal/store"
	"github.com/openwechatpay/wechatpay/sim/world"
)

// This file is one delivery.

// fire begins a delivery. The row stays as it is until its outcome is known, so that one that a
// crash broke off is made again.
func (s *Service) fire(tx *store.Tx, id string, n *Notification) {
	tx.After(func() {
		if s.begin(id) {
			s.deliver(n)
		}
	})
}

// begin tells whether no other delivery of the notification is under way.
func (s *Service) begin(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.going[id] {
		return false
	}
	s.going[id] = true
	return true
}

func (s *Service) deliver(n *Notification) {
	var effect world.Effect
	if f := s.Faults.OfDelivery(n.told()); f != nil {
		effect = f.Effect
	}
	var attempts []Attempt
	for _, d := range s.deliveries(n, effect) {
		attempts = append(attempts, d.Attempt)
	}
	s.mu.Lock()
	delete(s.going, n.ID)
	s.mu.Unlock()
	if s.ctx.Err() != nil {
		return // closed, so nobody knows
	}
	err := s.Store.Update(func(tx *store.Tx) error {
		before := s.table.Get(tx, n.ID)
		if before == nil {
			return nil // everything was forgotten meanwhile
		}
		after := *before
		after.Attempts = slices.Concat(after.Attempts, attempts)
		after.Delivered = after.Delivered || slices.ContainsFunc(attempts, Attempt.taken)
		after.Next = time.Time{}
		if waits := ladders[after.Ladder]; !after.Delivered && len(after.Attempts) <= len(waits) {
			after.Next = tx.Now.Add(waits[len(after.Attempts)-1])
		}
		if !before.Next.Equal(n.Next) {
			after.Next, after.Delivered = tx.Now, false // it was to be sent again meanwhile
		}
		s.table.Put(tx, n.ID, &after)
		return nil
	})
	if err != nil {
		s.Log.Error("a delivery is not in the journal, and will be made again", "id", n.ID, "err", err)
		s.again(n.ID)
	}
}

// taken tells that the merchant said that it has the notification.
func (a Attempt) taken() bool {
	return a.Error == "" && (a.Status == http.StatusOK || a.Status == http.StatusNoContent)
}

// patience is how long a delivery waits that the journal did not take.
const patience = time.Second

// again lets the timer of a notification ring once more, whose row is as it was.
func (s *Service) again(id string) {
	select {
	case <-time.After(patience):
		s.table.Wake(id)
	case <-s.ctx.Done():
	}
}

// deliveries makes a delivery: two, if the effect doubles it.
func (s *Service) deliveries(n *Notification, effect world.Effect) []Delivery {
	switch effect {
	case world.EffectDuplicate:
		return []Delivery{s.attempt(n, effect), s.attempt(n, effect)}
	case world.EffectDuplicateAtOnce:
		two := make([]Delivery, 2)
		var both sync.WaitGroup
		for i := range two {
			both.Go(func() { two[i] = s.attempt(n, effect) })
		}
		both.Wait()
		return two
	}
	return []Delivery{s.attempt(n, effect)}
}

// attempt makes one delivery.
func (s *Service) attempt(n *Notification, effect world.Effect) Delivery {
	d := Delivery{ID: n.ID, Attempt: Attempt{At: s.Clock.Business(), Fault: effect}}
	if effect == world.EffectDrop {
		d.Error = "lost on its way"
		return d
	}
	var err error
	if effect == world.EffectV2Refund {
		n, err = s.asV2(n)
	}
	if err == nil {
		err = s.post(n, effect, &d)
	}
	if err != nil {
		d.Error = err.Error()
	}
	return d
}

// maxAnswer is how many bytes of an answer a delivery on demand shows.
const maxAnswer = 4 << 10

// post sends n, and tells d what came back.
func (s *Service) post(n *Notification, effect world.Effect, d *Delivery) error {
	body, err := s.body(n, effect)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(s.ctx, Deadline)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, n.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if err := s.allowed(req.URL); err != nil {
		return err
	}
	req.Header = http.Header{
		"Accept":        {"*/*"},
		"Cache-Control": {"no-cache"},
		"Pragma":        {"no-cache"},
		"User-Agent":    {"Mozilla/4.0"},
		"Content-Type":  {"application/json"},
		"Request-Id":    {strings.ToUpper(newID())},
	}
	if n.V2 != nil {
		req.Header.Set("Content-Type", "text/xml")
	} else {
		s.Keys.Sign(req.Header, auth.Scheme, n.MchID, "", body, s.Clock.Wire(), effect)
	}
	res, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	d.Status, d.Answer = res.StatusCode, strings.ToValidUTF8(string(answer[:min(len(answer), maxAnswer)]), "�")
	if n.V2 != nil {
		return takenV2(res.StatusCode, answer)
	}
	return nil
}

// body is the notification as it goes out, its resource encrypted with a fresh nonce.
func (s *Service) body(n *Notification, effect world.Effect) ([]byte, error) {
	m := s.World.Merchant(n.MchID)
	if m == nil {
		return nil, fmt.Errorf("there is no merchant %s", n.MchID)
	}
	if n.V2 != nil {
		return n.bodyV2(m, effect)
	}
	key, associated, shown := m.APIv3Key, n.AssociatedData, &n.AssociatedData
	switch effect {
	case world.EffectEmptyAssociatedData:
		associated, shown = "", new("")
	case world.EffectNoAssociatedData:
		associated, shown = "", nil
	case world.EffectWrongAPIv3Key:
		key = (rand.Text() + rand.Text())[:len(key)]
	}
	nonce := rand.Text()[:12]
	ciphertext, err := crypt.SealGCM(key, nonce, associated, n.Resource)
	if err != nil {
		return nil, err
	}
	type resource struct {
		OriginalType   string  `json:"original_type"`
		Algorithm      string  `json:"algorithm"`
		Ciphertext     string  `json:"ciphertext"`
		AssociatedData *string `json:"associated_data,omitempty"`
		Nonce          string  `json:"nonce"`
	}
	return json.Marshal(struct {
		ID           string   `json:"id"`
		CreateTime   string   `json:"create_time"`
		ResourceType string   `json:"resource_type"`
		EventType    string   `json:"event_type"`
		Summary      string   `json:"summary"`
		Resource     resource `json:"resource"`
	}{
		n.ID, n.CreateTime.In(clock.Beijing).Format(time.RFC3339), "encrypt-resource", n.EventType, n.Summary,
		resource{n.OriginalType, "AEAD_AES_256_GCM", base64.StdEncoding.EncodeToString(ciphertext), shown, nonce},
	})
}

// allowed keeps a simulator from calling the world: its merchants' URLs come from tests.
func (s *Service) allowed(u *url.URL) error {
	host := u.Hostname()
	if host == "localhost" || net.ParseIP(host).IsLoopback() || slices.Contains(s.Allow, host) {
		return nil
	}
	return fmt.Errorf("not delivered: %s is not a loopback address; allow its host to the simulator", host)
}

func newClient() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 16, IdleConnTimeout: 10 * time.Second},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// newID is a UUID, as the real notifications have.
func newID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
