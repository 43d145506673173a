// Package webhooktest tests what receives the notifications (回调通知) of WeChat Pay: it makes them as WeChat
// Pay does, of APIv3 and of APIv2, and finds out what a handler believes.
//
// Whoever has a handler begins with [Run]. It sends true notifications, one by one and a hundred at once, and
// forged, stale, broken and contrary ones, and fails for each that the handler believed and for each by
// which money moved twice. It needs an event of a fresh order, and a function that tells how much money
// the handler has moved:
//
//	sender, err := webhooktest.NewSender()
//	…
//	shop := newShop(sender.Merchant()) // whose handler opens notifications with these keys
//	webhooktest.Run(t, webhooktest.Subject{
//		Sender:      sender,
//		Handler:     shop.Handler(),
//		Event:       func() any { return payscore.UserPaid{OutOrderNo: shop.Order(4000), State: "DONE", TotalAmount: 4000} },
//		Amount:      4000,
//		Moved:       shop.Delivered,
//		WrongAmount: func() any { return payscore.UserPaid{OutOrderNo: shop.Order(4000), State: "DONE", TotalAmount: 1} },
//	})
//
// [Check] does the same without a test and returns a [Report]. It reaches handlers in other programs,
// and in other languages, by their URL. For a test of one event, [Sender.Sign] makes a single notification.
//
// # Keys
//
// A [Sender] stands for WeChat Pay and makes up its key and the merchant's. The handler under test is made
// with [Sender.Merchant]. One that has keys already, such as another program, keeps them: generate a pair
// for it, give it the public key as WeChat Pay's (微信支付公钥), and the Sender the private key, with
// [PlatformKey]. Never give a Sender's key to a handler in production: whoever has it could have goods for nothing.
//
// # Errors
//
// What the handler does wrong is in the Report, and no error of Check. Neither errors nor reports contain a
// body, a key or a signature.
package webhooktest
