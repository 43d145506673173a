package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/openwechatpay/wechatpay/catalog"
)

var update = flag.Bool("update", false, "write the golden file anew")

// coffee is a made-up catalog with one of everything.
func coffee(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("testdata/coffee.json")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func generateText(text string) (map[string][]byte, error) {
	c, err := catalog.Read(fstest.MapFS{"v3/coffee.json": {Data: []byte(text)}})
	if err != nil {
		return nil, err
	}
	return generate(c)
}

func TestTheGeneratedFilesAreTheGoldenOnes(t *testing.T) {
	files, err := generateText(coffee(t))
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	for _, path := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(&got, "-- %s --\n%s", path, files[path])
	}
	const golden = "testdata/coffee.golden"
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("the files differ from %s: run go test -update ./internal/wxgen and look at the difference", golden)
	}
}

func TestTheFilesOfTheModuleAreCurrent(t *testing.T) {
	t.Parallel()
	c, err := catalog.Load()
	if err != nil {
		t.Fatal(err)
	}
	files, err := generate(c)
	if err != nil {
		t.Fatal(err)
	}
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	stale, err := generated(root)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range files {
		delete(stale, path)
		if got, err := os.ReadFile(filepath.Join(root, path)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the catalog gives: run go generate ./...", path)
		}
	}
	for path := range stale {
		t.Errorf("%s is left over: run go generate ./...", path)
	}
}

func TestTheArguments(t *testing.T) {
	t.Parallel()
	if err := run([]string{"check"}); err != nil {
		t.Error(err)
	}
	for _, args := range [][]string{{"chekc"}, {"check", "twice"}} {
		if err := run(args); err == nil {
			t.Errorf("%v is accepted", args)
		}
	}
}

func TestGeneratingIsDeterministic(t *testing.T) {
	t.Parallel()
	first, err := generateText(coffee(t))
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if again, err := generateText(coffee(t)); err != nil || !maps.EqualFunc(first, again, bytes.Equal) {
			t.Fatalf("another run gives other files: %v", err)
		}
	}
}

// TestTheGeneratedFilesCompile lays the files over the module, for they import it.
func TestTheGeneratedFilesCompile(t *testing.T) {
	t.Parallel()
	files, err := generateText(coffee(t))
	if err != nil {
		t.Fatal(err)
	}
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var overlay struct{ Replace map[string]string }
	overlay.Replace = map[string]string{}
	for path, text := range files {
		if !strings.HasPrefix(path, "v3/coffee/") {
			continue // the others would hide those of the module
		}
		name := filepath.Join(dir, filepath.Base(path))
		if err := os.WriteFile(name, text, 0o644); err != nil {
			t.Fatal(err)
		}
		overlay.Replace[filepath.Join(root, filepath.FromSlash(path))] = name
	}
	text, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(name, text, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-overlay="+name, "./v3/coffee")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestWhatIsNotSupportedIsRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ old, new, want string }{
		"a path of another product": {
			`"path": "/v3/coffee/orders", `, `"path": "/v3/tea/orders", `,
			`v3/coffee.json: POST /v3/tea/orders: the path does not begin with /v3/coffee`,
		},
		"a path that only begins like the product's": {
			`"path": "/v3/coffee/orders", `, `"path": "/v3/coffeeshop/orders", `,
			`v3/coffee.json: POST /v3/coffeeshop/orders: the path does not begin with /v3/coffee`,
		},
		"two segments that are one step": {
			`/v3/coffee/orders/batch-close/`, `/v3/coffee/orders/order_id`,
			`v3/coffee.json: POST /v3/coffee/orders/order_id: the segments "{order_id}" and "order_id" are both the step OrderID`,
		},
		"a step that is a verb": {
			`/v3/coffee/orders/batch-close/`, `/v3/coffee/orders/post`,
			`v3/coffee.json: /v3/coffee/orders/post: the step Post has the name of a verb of /v3/coffee/orders`,
		},
		"two paths that are one node": {
			`/v3/coffee/orders/batch-close/`, `/v3/coffee/orders-order-id`,
			`v3/coffee.json: POST /v3/coffee/orders-order-id: the name OrdersOrderID is taken by the path /v3/coffee/orders/{order_id}`,
		},
		"a segment without a Go name": {
			`/v3/coffee/orders/batch-close/`, `/v3/coffee/3d`,
			`v3/coffee.json: POST /v3/coffee/3d: the segment "3d" gives no Go name`,
		},
		"paths that differ in a slash at the end only": {
			`"method": "POST", "host": "api.mch.weixin.qq.com", "path": "/v3/coffee/orders/batch-close/"`,
			`"method": "POST", "host": "api.mch.weixin.qq.com", "path": "/v3/coffee/orders/"`,
			`v3/coffee.json: POST /v3/coffee/orders/: /v3/coffee/orders has the method POST twice`,
		},
		"a parameter that is no string": {
			`{"name": "cup_id", "type": "string", "required": true}`, `{"name": "cup_id", "type": "integer", "required": true}`,
			`v3/coffee.json: GET /v3/coffee/orders/{out_order_no}/cups/{cup_id}: path: cup_id: a parameter of the type integer is not supported`,
		},
		"a header": {
			`"request": {"query": [`, `"request": {"headers": [{"name": "Idempotency-Key", "type": "string"}], "query": [`,
			`v3/coffee.json: GET /v3/coffee: headers: Idempotency-Key: a header of an operation is not supported`,
		},
		"an unsigned answer": {
			`"title": "查询菜单",`, `"title": "查询菜单", "security": {"response_unsigned": true},`,
			`v3/coffee.json: GET /v3/coffee: security: an answer is a file or signed over its body: nothing else is supported`,
		},
		"a download that is signed": {
			`"security": {"response_unsigned": true},`, ``,
			`v3/coffee.json: GET /v3/coffee/photos/{photo_id}: security: an answer is a file or signed over its body: nothing else is supported`,
		},
		"a download with fields": {
			`"body": {"kind": "download"}`, `"body": {"kind": "download", "fields": [{"name": "x", "type": "string"}]}`,
			`v3/coffee.json: GET /v3/coffee/photos/{photo_id}: response: its kind is download, and it has fields`,
		},
		"a request that is a download": {
			`"path": "/v3/coffee/cards/{openid}", "title": "修改会员卡", "name": "ModifyCard",
      "request": {
        "path": [{"name": "openid", "type": "string", "label": "用户标识", "required": true}],
        "body": {"kind": "json"`, `"path": "/v3/coffee/cards/{openid}", "title": "修改会员卡", "name": "ModifyCard",
      "request": {
        "path": [{"name": "openid", "type": "string", "label": "用户标识", "required": true}],
        "body": {"kind": "download"`,
			`v3/coffee.json: PATCH /v3/coffee/cards/{openid}: request: the kind "download" is not one of json empty multipart`,
		},
		"an object in the query": {
			`{"name": "hot", "type": "boolean"}`, `{"name": "hot", "type": "object"}`,
			`v3/coffee.json: GET /v3/coffee: query: hot: an object in the query is not supported`,
		},
		"an encrypted field in the query": {
			`{"name": "since", "type": "string", "label": "开始时间", "format": "rfc3339"}`, `{"name": "since", "type": "string", "encrypted": "platform"}`,
			`v3/coffee.json: GET /v3/coffee: query: since: an encrypted field in the query is not supported`,
		},
		"a request that is encrypted for the merchant": {
			`"label": "电话", "encrypted": "platform"`, `"label": "电话", "encrypted": "merchant"`,
			`v3/coffee.json: POST /v3/coffee/orders: request: phone: the key of the merchant encrypts what goes the other way`,
		},
		"an answer that is encrypted for the platform": {
			`"type_name": "OrderState"},
        {"name": "receiver", "type": "string", "label": "取餐人", "encrypted": "merchant"}`, `"type_name": "OrderState"},
        {"name": "receiver", "type": "string", "label": "取餐人", "encrypted": "platform"}`,
			`v3/coffee.json: POST /v3/coffee/orders: response: receiver: the key of the platform encrypts what goes the other way`,
		},
		"a body without fields": {
			`"fields": [{"name": "reason", "type": "string", "label": "原因", "required": true}]`, `"fields": []`,
			`v3/coffee.json: DELETE /v3/coffee/orders/{order_id}: request: a body without fields is not supported`,
		},
		"an answer without fields": {
			`"response": {"status": [204], "body": {"kind": "empty"}},
      "docs": ["https://pay.weixin.qq.com/coffee/7"]`,
			`"response": {"status": [200], "body": {"kind": "json"}},
      "docs": ["https://pay.weixin.qq.com/coffee/7"]`,
			`v3/coffee.json: POST /v3/coffee/orders/batch-close/: response: an answer without fields is not supported`,
		},
		"a field with the name of the file": {
			`{"name": "cup_id", "type": "string", "label": "杯", "required": true}`, `{"name": "file", "type": "string"}`,
			`v3/coffee.json: POST /v3/coffee/photos: request: a field has the name of the file, File`,
		},
		"a file in a body that is not multipart": {
			`"fields": [{"name": "reason", "type": "string", "label": "原因", "required": true}]`,
			`"fields": [{"name": "reason", "type": "string"}], "file": {"part": "file", "name": "reason", "digest": "reason"}`,
			`v3/coffee.json: DELETE /v3/coffee/orders/{order_id}: request: a body has a file if it is multipart, and only then`,
		},
		"a file whose digest is no member of meta": {
			`"digest": "photo_digest"`, `"digest": "sha256"`,
			`v3/coffee.json: POST /v3/coffee/photos: request: file: meta has no string "sha256"`,
		},
		"a file whose type has a dot": {
			`["jpg", "png"]`, `[".jpg", "png"]`,
			`v3/coffee.json: POST /v3/coffee/photos: request: file: the type ".jpg" is not the lower-case end of a name`,
		},
		"a file of which no size is said": {
			`"types": ["pdf"], "max_bytes": 1572864`, `"types": ["pdf"]`,
			`v3/coffee.json: POST /v3/coffee/photos: request: file: a limit has no types, or no size`,
		},
		"a file in the part of meta": {
			`"part": "photo"`, `"part": "meta"`,
			`v3/coffee.json: POST /v3/coffee/photos: request: file: the part "meta" is not one of a file`,
		},
		"a field without a Go name": {
			`"name": "hot"`, `"name": "热"`,
			`v3/coffee.json: GET /v3/coffee: query: 热: the field gives no Go name`,
		},
		"two fields with one Go name": {
			`"name": "phone"`, `"name": "notify-url"`,
			`v3/coffee.json: POST /v3/coffee/orders: request: notify_url: the field NotifyURL is there already, for notify-url`,
		},
		"a field of the query that is one of the body too": {
			`"name": "phone"`, `"name": "sub_mchid"`,
			`v3/coffee.json: POST /v3/coffee/orders: request: sub_mchid: the field SubMchID is there already, for sub_mchid`,
		},
		"a value without a Go name": {
			`"BLACK"`, `"黑+"`,
			`v3/coffee.json: GET /v3/coffee: query: kinds: the value "黑+" gives no Go name`,
		},
		"two enums with one name": {
			`"enum": ["OPEN", "READY"], "type_name": "OrderState"`, `"enum": ["OPEN", "READY"], "type_name": "Kind"`,
			`v3/coffee.json: POST /v3/coffee/orders: response: state: the enum Kind has no "OPEN" at v3/coffee.json: GET /v3/coffee: query: kinds: give one of them another type_name`,
		},
		"requests with different fields and one type": {
			`{"name": "milk", "type": "string", "label": "奶", "required": true, "max_length": 8}`, `{"name": "cream", "type": "string"}`,
			`v3/coffee.json: PATCH /v3/coffee/cards/{openid}: request: favourite: cream: the type Cup has no such field at v3/coffee.json: POST /v3/coffee/orders: request: cups: give one of them another type_name`,
		},
		"requests of which one has less, and one type": {
			`,
            {"name": "milk", "type": "string", "label": "奶", "required": true, "max_length": 8}`, ``,
			`v3/coffee.json: PATCH /v3/coffee/cards/{openid}: request: favourite: the type Cup has the field Milk at v3/coffee.json: POST /v3/coffee/orders: request: cups, and not here: give one of them another type_name`,
		},
		"a request and an answer with different Go types and one type": {
			`"type_name": "PouredCup"`, `"type_name": "Cup"`,
			`v3/coffee.json: GET /v3/coffee/orders/{order_id}: response: cup: sugar: in the type Cup it is a int64 here and a *int64 at v3/coffee.json: POST /v3/coffee/orders: request: cups: give one of them another type_name`,
		},
		"different answers that nobody named alike": {
			`"type_name": "Menu", `, `"type_name": "Item", `,
			`v3/coffee.json: GET /v3/coffee: response: items: the type Item has no such field`,
		},
		"a type with the name of a node": {
			`"type_name": "Menu"`, `"type_name": "Cards"`,
			`v3/coffee.json: PATCH /v3/coffee/cards/{openid}: the name Cards is taken by the type of v3/coffee.json: GET /v3/coffee: response`,
		},
		"two operations with one name": {
			`"name": "CancelCoffee"`, `"name": "ModifyCard"`,
			`v3/coffee.json: PATCH /v3/coffee/cards/{openid}: request: the name ModifyCardRequest is taken by the type of v3/coffee.json: DELETE /v3/coffee/orders/{order_id}: request`,
		},
		"an event with the name of a type": {
			`"event_types": ["COFFEE.CUP_READY"]`, `"name": "Cup", "event_types": ["COFFEE.CUP_READY"]`,
			`v3/coffee.json: COFFEE.CUP_READY: resource: the name Cup is taken by the type of v3/coffee.json: POST /v3/coffee/orders: request: cups`,
		},
		"a notification with two event types": {
			`["COFFEE.CUP_READY"]`, `["COFFEE.CUP_READY", "COFFEE.CUP_LATE"]`,
			`v3/coffee.json: COFFEE.CUP_READY COFFEE.CUP_LATE: a notification with several event types is not supported`,
		},
		"an event without a Go name": {
			`["COFFEE.CUP_READY"]`, `["COFFEE"]`,
			`v3/coffee.json: COFFEE: the event type gives no Go name: the catalog has to give one`,
		},
		"a key that the format does not have": {
			`"label": "电话"`, `"label": "电话", "encoded": "json"`,
			`v3/coffee.json: POST /v3/coffee/orders: request: body: phone: the format has no key "encoded"`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := coffee(t)
			if n := strings.Count(text, tt.old); n != 1 {
				t.Fatalf("%q is in the catalog %d times", tt.old, n)
			}
			_, err := generateText(strings.Replace(text, tt.old, tt.new, 1))
			if err == nil {
				t.Fatalf("it was generated; want the error %s", tt.want)
			}
			lines := strings.Split(err.Error(), "\n")
			if !slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, tt.want) }) {
				t.Errorf("the error is\n%v\nwant\n%s", err, tt.want)
			}
		})
	}
}

func TestABranchCannotHaveTheNameOfAnotherFile(t *testing.T) {
	t.Parallel()
	text := strings.ReplaceAll(coffee(t), "/v3/coffee/orders", "/v3/coffee/types")
	_, err := generateText(text)
	if err == nil || err.Error() != "v3/coffee.json: two parts of the product are the file v3/coffee/types_gen.go" {
		t.Errorf("the error is %v", err)
	}
}

func TestWritingRemovesOnlyWhatAnEarlierRunWrote(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	put := func(path, text string) {
		name := filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put("v3/coffee/stale_gen.go", header+"v3/coffee.json; DO NOT EDIT.\n")
	put("v3/coffee/other_gen.go", "// Code generated by something else; DO NOT EDIT.\n")
	put("v3/coffee/hand.go", "package coffee\n")
	if err := write(root, map[string][]byte{"v3/coffee/types_gen.go": []byte("new")}); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{
		"v3/coffee/stale_gen.go": false, "v3/coffee/other_gen.go": true, "v3/coffee/hand.go": true, "v3/coffee/types_gen.go": true,
	} {
		if _, err := os.Stat(filepath.Join(root, path)); (err == nil) != want {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestNamesAreGoNames(t *testing.T) {
	t.Parallel()
	for wire, want := range map[string][2]string{
		"sub_mchid":       {"SubMchID", "subMchID"},
		"mchid":           {"MchID", "mchID"},
		"openid":          {"OpenID", "openID"},
		"id":              {"ID", "id"},
		"url":             {"URL", "url"},
		"api_key":         {"APIKey", "apiKey"},
		"out_order_no":    {"OutOrderNo", "outOrderNo"},
		"out-trade-no":    {"OutTradeNo", ""},
		"USER_PAID":       {"UserPaid", "userPaid"},
		"sha256":          {"Sha256", "sha256"},
		"type":            {"Type", ""},
		"3c":              {"", ""},
		"":                {"", ""},
		"notify_urls":     {"NotifyURLs", "notifyURLs"},
		"picture_base64":  {"PictureBase64", "pictureBase64"},
		"appid_list":      {"AppIDList", "appIDList"},
		"service_id_list": {"ServiceIDList", "serviceIDList"},
	} {
		if got := [2]string{exported(wire), local(wire)}; got != want {
			t.Errorf("%q gives %q, want %q", wire, got, want)
		}
	}
}

func TestListsNameTheirItems(t *testing.T) {
	t.Parallel()
	for plural, want := range map[string]string{
		"PostPayments":   "PostPayment",
		"PlanDetailList": "PlanDetail",
		"List":           "List",
		"Goods":          "Goods",
		"PriceInfos":     "PriceInfo",
		"Activities":     "Activity",
		"Boxes":          "Box",
		"Status":         "Status",
		"GoodsDetail":    "GoodsDetail",
	} {
		if got := singular(plural); got != want {
			t.Errorf("an item of %s is a %s, want %s", plural, got, want)
		}
	}
}
