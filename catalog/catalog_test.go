package catalog

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestTheFilesAreValid(t *testing.T) {
	t.Parallel()
	if _, err := Load(); err != nil {
		t.Fatal(err)
	}
}

func TestLookingUp(t *testing.T) {
	t.Parallel()
	const id = "POST /v3/payscore/partner/serviceorder/{out_order_no}/cancel"
	if op := Find(id); op == nil || op.ID() != id || op.Title != "取消支付分订单" {
		t.Errorf("Find(%q) is %+v", id, op)
	}
	for _, id := range []string{"", "GET /v3/payscore/partner/serviceorder/{out_order_no}/cancel", "POST /v3/nothing"} {
		if op := Find(id); op != nil {
			t.Errorf("Find(%q) is %s, want none", id, op.ID())
		}
	}
	if n := FindNotification("PAYSCORE.USER_PAID"); n == nil || n.Title != "支付分服务用户支付成功通知" {
		t.Errorf("FindNotification is %+v", n)
	}
	if n := FindNotification("PAYSCORE.NOTHING"); n != nil {
		t.Errorf("FindNotification of nothing is %+v", n)
	}
	for _, n := range Notifications() {
		if FindNotification(n.EventTypes[0]) != n { // an alias names another, or none
			t.Errorf("FindNotification does not find %s", n.EventTypes[0])
		}
	}
	for _, op := range Operations() {
		if Find(op.ID()) != op {
			t.Errorf("Find does not find %s", op.ID())
		}
	}
}

// TestTheCancelOperation is one operation by hand, in the form that all others have.
func TestTheCancelOperation(t *testing.T) {
	t.Parallel()
	op := Find("POST /v3/payscore/partner/serviceorder/{out_order_no}/cancel")
	if op.Host != "api.mch.weixin.qq.com" || op.Response.Body.Kind != "empty" || !slices.Equal(op.Response.Status, []int{204}) {
		t.Errorf("it is %+v", op)
	}
	got := map[string]Field{}
	for _, f := range slices.Concat(op.Request.Path, op.Request.Body.Fields) {
		got[f.Name] = f
	}
	if len(got) != 4 || got["service_id"].Required || !got["sub_mchid"].Required {
		t.Errorf("it takes %+v", got)
	}
	if f := got["reason"]; f.Label != "撤销原因" || !f.Required || f.MinLength != 1 || f.MaxLength != 50 {
		t.Errorf("the reason is %+v", f)
	}
	if f := got["out_order_no"]; f.Label != "商户服务订单号" || f.MaxLength != 32 || f.Pattern != `^[0-9a-zA-Z_\-\|\*]+$` {
		t.Errorf("the order number is %+v", f)
	}
}

// TestFourNotificationsAskSomething by hand, as the official pages have it. A fifth is looked up before
// it is added here: whoever only acknowledges it will fail.
func TestFourNotificationsAskSomething(t *testing.T) {
	t.Parallel()
	want := map[string]Answer{
		"CROSS_BORDER_PAY.GET_MCH_INFO":    {Within: "3s", Signed: true},
		"CROSS_BORDER_PAY.PUSH_ORDER_INFO": {Within: "3s", Signed: true},
		"ENTRUST.TERMINATE_RETENTION":      {Within: "1s"},
		"PARKING_FEE.QUERY_TRANS_INFO":     {Within: "3s"},
	}
	required := map[string]string{
		"CROSS_BORDER_PAY.GET_MCH_INFO":    "code acq_tid mch_id limit_bank_acc_type client_ip",
		"CROSS_BORDER_PAY.PUSH_ORDER_INFO": "code acq_tid prepay_id expire_time client_ip",
		"ENTRUST.TERMINATE_RETENTION":      "code",
		"PARKING_FEE.QUERY_TRANS_INFO":     "code",
	}
	for _, n := range Notifications() {
		event := n.EventTypes[0]
		if n.Answer == nil {
			continue
		}
		if n.Answer.Within != want[event].Within || n.Answer.Signed != want[event].Signed {
			t.Errorf("%s is answered within %s, signed %v", event, n.Answer.Within, n.Answer.Signed)
		}
		var names []string
		for _, f := range n.Answer.Fields {
			if f.Required {
				names = append(names, f.Name)
			}
		}
		if got := strings.Join(names, " "); got != required[event] {
			t.Errorf("the answer to %s always has %s, want %s", event, got, required[event])
		}
		delete(want, event)
	}
	for event := range want {
		t.Errorf("%s has no answer", event)
	}
}

// TestNumbersOfPayScoreAreIntegers: money is in fen, and the rest are counts.
func TestNumbersOfPayScoreAreIntegers(t *testing.T) {
	t.Parallel()
	var walk func(place string, fields []Field)
	walk = func(place string, fields []Field) {
		for _, f := range fields {
			if f.Type == "number" && !f.Integral {
				t.Errorf("%s: %s is a number that need not be an integer", place, f.Name)
			}
			walk(place+" "+f.Name, f.Fields)
		}
	}
	for _, op := range Operations() {
		if !strings.HasPrefix(op.Path, "/v3/payscore/") {
			continue
		}
		walk(op.ID(), op.Response.Body.Fields)
		if op.Request.Body != nil {
			walk(op.ID(), op.Request.Body.Fields)
		}
		walk(op.ID(), op.Request.Query)
	}
}

// tea is a small catalog without defects.
const tea = `{
	"title": "茶",
	"steps": {"/v3/tea/{pot_id}": "Pot"},
	"operations": [
		{
			"method": "POST", "host": "api.mch.weixin.qq.com", "path": "/v3/tea/{pot_id}/pour", "title": "倒茶", "name": "PourTea",
			"modes": ["merchant"],
			"request": {
				"path": [{"name": "pot_id", "type": "string", "required": true}],
				"body": {"kind": "json", "required": true, "fields": [
					{"name": "cups", "type": "object[]", "required": true, "min_items": 1, "max_items": 9, "fields": [
						{"name": "size", "type": "string", "enum": ["S", "L"], "min_length": 1, "max_length": 1, "pattern": "^[SL]$"},
						{"name": "sugar", "type": "number", "integral": true, "minimum": 0, "maximum": 3}
					]}
				]}
			},
			"response": {"status": [204], "body": {"kind": "empty"}},
			"presets": [{"label": "早茶", "alternatives": [{"field": "cups", "groups": [{"fixed": {"size": "S"}, "free": ["sugar"]}]}]}],
			"docs": ["https://pay.weixin.qq.com/tea"]
		},
		{
			"method": "GET", "host": "api.mch.weixin.qq.com", "path": "/v3/tea", "title": "查茶",
			"response": {"status": [200], "body": {"kind": "json", "fields": [{"name": "time", "type": "string", "format": "rfc3339"}]}},
			"docs": ["https://pay.weixin.qq.com/tea"]
		},
		{
			"method": "POST", "host": "api.mch.weixin.qq.com", "path": "/v3/tea/photos", "title": "上传照片",
			"security": {"scheme": "brand"},
			"request": {"body": {"kind": "multipart", "required": true, "fields": [
				{"name": "digest", "type": "string", "required": true},
				{"name": "leaves", "field_name": "TeaLeaves", "type": "string[]", "encoded": "json", "type_name": "Leaves"}
			], "file": {"part": "photo", "digest": "digest", "hash": "SM3", "limits": [{"types": ["jpg"], "max_bytes": 2048}]}}},
			"response": {"status": [200], "body": {"kind": "empty"}}
		}
	],
	"notifications": [
		{
			"event_types": ["TEA.POURED"], "title": "倒茶通知",
			"resource": {"name": "resource", "type": "object", "fields": [{"name": "pot_id", "type": "string"}]},
			"retry": ["15s", "1h"],
			"docs": ["https://pay.weixin.qq.com/tea"]
		},
		{
			"event_types": ["TEA.SPILT", "TEA.POURED"], "title": "洒茶通知",
			"resource": {"name": "resource", "type": "object", "fields": [{"name": "pot_id", "type": "string"}]},
			"answer": {"within": "3s", "signed": true, "fields": [{"name": "wiped", "type": "boolean", "required": true}]},
			"docs": ["https://pay.weixin.qq.com/tea/spilt"]
		}
	]
}`

func read(text string) error {
	_, err := Read(fstest.MapFS{"v3/tea.json": {Data: []byte(text)}})
	return err
}

func TestDefectsAreNamedWithTheirPlace(t *testing.T) {
	t.Parallel()
	if err := read(tea); err != nil {
		t.Fatal(err)
	}
	const (
		pour   = "v3/tea.json: POST /v3/tea/{pot_id}/pour: "
		cups   = pour + "request: cups: "
		photo  = "v3/tea.json: POST /v3/tea/photos: "
		leaves = photo + "request: leaves: "
		file   = photo + "request: file: "
		answer = "v3/tea.json: TEA.SPILT TEA.POURED: answer: "
	)
	tests := map[string]struct{ old, new, want string }{
		"an unknown key of the file":           {`"title": "茶",`, `"title": "茶", "page": 1,`, `v3/tea.json: the format has no key "page"`},
		"an unknown key of an operation":       {`"title": "倒茶"`, `"title": "倒茶", "id": 1`, pour + `the format has no key "id"`},
		"an unknown key deep in a field":       {`"name": "size"`, `"name": "size", "auto": true`, pour + `request: body: cups: size: the format has no key "auto"`},
		"an unknown key of a notification":     {`"title": "倒茶通知"`, `"title": "倒茶通知", "page": 1`, `v3/tea.json: [TEA.POURED]: the format has no key "page"`},
		"a value of another type":              {`"min_items": 1`, `"min_items": "1"`, `v3/tea.json: json: cannot unmarshal string into Go struct field`},
		"text after the end":                   {`"title": "茶",`, `"title": "茶"} {`, `v3/tea.json: there is more after the product`},
		"no title of the product":              {`"title": "茶",`, ``, `v3/tea.json: there is no title`},
		"an unknown method":                    {`"POST"`, `"FETCH"`, `v3/tea.json: FETCH /v3/tea/{pot_id}/pour: the method "FETCH" is not one of GET POST PUT PATCH DELETE`},
		"a URL for a host":                     {`"api.mch.weixin.qq.com", "path": "/v3/tea",`, `"https://x", "path": "/v3/tea",`, `v3/tea.json: GET /v3/tea: the host "https://x" is not one`},
		"a malformed path":                     {`"path": "/v3/tea",`, `"path": "v3//tea?",`, `v3/tea.json: GET v3//tea?: the path is malformed`},
		"an operation that is there twice":     {`"GET", "host": "api.mch.weixin.qq.com", "path": "/v3/tea"`, `"POST", "host": "api.mch.weixin.qq.com", "path": "/v3/tea/{pot_id}/pour"`, pour + `the operation is there twice`},
		"no title of an operation":             {`"title": "倒茶"`, `"title": ""`, pour + `there is no title`},
		"a title of two lines":                 {`"title": "倒茶"`, `"title": "倒\n茶"`, pour + `the title "倒\n茶" is not one line`},
		"a label of two lines":                 {`"format": "rfc3339"`, `"label": "时\n间"`, `v3/tea.json: GET /v3/tea: response: time: the label "时\n间" is not one line`},
		"a name that is none in Go":            {`"PourTea"`, `"pour-tea"`, pour + `the name "pour-tea" is not an exported Go name`},
		"an unknown mode":                      {`"modes": ["merchant"]`, `"modes": ["bank"]`, pour + `the mode "bank" is not one of merchant partner`},
		"an unknown lifecycle":                 {`"modes": ["merchant"]`, `"lifecycle": {"status": "old"}`, pour + `the lifecycle's status "old" is not one of retired superseded restricted beta`},
		"a parameter that is not described":    {`[{"name": "pot_id", "type": "string", "required": true}]`, `[]`, pour + `path: the parameter {pot_id} is not described`},
		"a parameter that is not in the path":  {`"path": "/v3/tea",`, `"path": "/v3/tea", "request": {"path": [{"name": "x", "type": "string", "required": true}]},`, `v3/tea.json: GET /v3/tea: path: x: it is not in the path`},
		"a parameter that is optional":         {`{"name": "pot_id", "type": "string", "required": true}`, `{"name": "pot_id", "type": "string"}`, pour + `path: pot_id: a parameter of the path is required, and a single value`},
		"a parameter that is there twice":      {`/v3/tea/{pot_id}/pour`, `/v3/tea/{pot_id}/{pot_id}`, `v3/tea.json: POST /v3/tea/{pot_id}/{pot_id}: path: the parameter {pot_id} is there twice`},
		"a field that is there twice":          {`"name": "sugar"`, `"name": "size"`, cups + `size: the field is there twice`},
		"a field without a name":               {`"name": "sugar"`, `"name": ""`, cups + `: a field has no name`},
		"an unknown type":                      {`"object[]"`, `"list"`, cups + `the type "list" is not one of string integer number boolean object`},
		"members of a string":                  {`"object[]"`, `"string[]"`, cups + `fields does not go with the type string[]`},
		"items of what is no list":             {`"object[]"`, `"object"`, cups + `min_items and max_items does not go with the type object`},
		"a length of a number":                 {`"integral": true`, `"integral": true, "max_length": 1`, cups + `sugar: min_length and max_length does not go with the type number`},
		"a minimum of a string":                {`"pattern": "^[SL]$"`, `"minimum": 1`, cups + `size: minimum and maximum does not go with the type string`},
		"an integral string":                   {`"pattern": "^[SL]$"`, `"integral": true`, cups + `size: integral does not go with the type string`},
		"a type_name of a plain string":        {`"format": "rfc3339"`, `"type_name": "X"`, `v3/tea.json: GET /v3/tea: response: time: type_name does not go with the type string`},
		"an unknown format":                    {`"rfc3339"`, `"rfc3339|RFC822"`, `v3/tea.json: GET /v3/tea: response: time: the format "RFC822" is not one of rfc3339`},
		"an unknown key that encrypts":         {`"format": "rfc3339"`, `"encrypted": "bank"`, `v3/tea.json: GET /v3/tea: response: time: the key that encrypts "bank" is not one of platform merchant`},
		"a pattern that does not compile":      {`"^[SL]$"`, `"["`, cups + `size: the pattern does not compile: `},
		"a minimum length over the maximum":    {`"min_length": 1`, `"min_length": 2`, cups + `size: min_length 2 is more than max_length 1`},
		"a minimum of items over the maximum":  {`"min_items": 1`, `"min_items": 10`, cups + `min_items 10 is more than max_items 9`},
		"a minimum over the maximum":           {`"minimum": 0`, `"minimum": 4`, cups + `sugar: minimum 4 is more than maximum 3`},
		"a negative limit":                     {`"min_items": 1`, `"min_items": -1`, cups + `a limit is negative`},
		"an enum without values":               {`"enum": ["S", "L"]`, `"enum": []`, cups + `size: the enum has no value`},
		"an enum with one value twice":         {`"enum": ["S", "L"]`, `"enum": ["S", "S"]`, cups + `size: the enum has "S" twice`},
		"an enum of numbers with a word":       {`"integral": true`, `"integral": true, "enum": ["1", "two"]`, cups + `sugar: the enum has "two", which is not an integer`},
		"an unknown kind of body":              {`"kind": "empty"`, `"kind": "multipart"`, pour + `response: the kind "multipart" is not one of json empty download`},
		"an empty body with fields":            {`"kind": "json", "fields"`, `"kind": "empty", "fields"`, `v3/tea.json: GET /v3/tea: response: its kind is empty, and it has fields`},
		"no body of the answer":                {`, "body": {"kind": "empty"}`, ``, pour + `there is no body of the answer`},
		"no status":                            {`[204]`, `[]`, pour + `there is no status of success`},
		"a status of failure":                  {`[204]`, `[404]`, pour + `the status 404 is not one of success`},
		"a preset of a list that is not there": {`"field": "cups"`, `"field": "pots"`, pour + `preset 早茶: the request has no list "pots"`},
		"a preset of a member that is not":     {`"free": ["sugar"]`, `"free": ["milk"]`, pour + `preset 早茶: cups has no member "milk"`},
		"a preset without alternatives":        {`[{"field": "cups", "groups": [{"fixed": {"size": "S"}, "free": ["sugar"]}]}]`, `[]`, pour + `preset 早茶: there is nothing to choose`},
		"no event type":                        {`["TEA.POURED"]`, `[]`, `v3/tea.json: : there is no event type`},
		"a malformed event type":               {`["TEA.POURED"]`, `["tea"]`, `v3/tea.json: tea: the event type "tea" is malformed`},
		"a malformed alias":                    {`["TEA.SPILT", "TEA.POURED"]`, `["TEA.SPILT", "tea"]`, `v3/tea.json: TEA.SPILT tea: the event type "tea" is malformed`},
		"an alias that is the event itself":    {`["TEA.POURED"]`, `["TEA.POURED", "TEA.POURED"]`, `v3/tea.json: TEA.POURED TEA.POURED: it has the event type TEA.POURED twice`},
		"an event type that names two":         {`["TEA.SPILT", "TEA.POURED"]`, `["TEA.POURED", "TEA.SPILT"]`, `v3/tea.json: TEA.POURED TEA.SPILT: the event type TEA.POURED is there twice`},
		"a notification without a page": {`,
			"docs": ["https://pay.weixin.qq.com/tea/spilt"]`, ``, `v3/tea.json: TEA.SPILT TEA.POURED: there is no official page`},
		"a page that is no URL":              {`["https://pay.weixin.qq.com/tea"]`, `["tea"]`, pour + `the page "tea" is not a URL`},
		"an unknown scheme":                  {`"scheme": "brand"`, `"scheme": "token"`, photo + `the scheme "token" is not one of none brand`},
		"a step that is none in Go":          {`"Pot"`, `"pot"`, `v3/tea.json: steps: /v3/tea/{pot_id}: the step "pot" is not an exported Go name`},
		"a step of no operation":             {`{"/v3/tea/{pot_id}": "Pot"}`, `{"/v3/tea/{pot}": "Pot"}`, `v3/tea.json: steps: /v3/tea/{pot}: no operation's path goes there`},
		"a step of half a segment":           {`{"/v3/tea/{pot_id}": "Pot"}`, `{"/v3/tea/pho": "Pho"}`, `v3/tea.json: steps: /v3/tea/pho: no operation's path goes there`},
		"a field_name that is none in Go":    {`"TeaLeaves"`, `"tea_leaves"`, leaves + `the field_name "tea_leaves" is not an exported Go name`},
		"an unknown encoding":                {`"encoded": "json"`, `"encoded": "xml"`, leaves + `the encoding "xml" is not one of json`},
		"an encoded string":                  {`"format": "rfc3339"`, `"encoded": "json"`, `v3/tea.json: GET /v3/tea: response: time: encoded does not go with the type string`},
		"a file that is no part of its own":  {`"part": "photo"`, `"part": "meta"`, file + `the part "meta" is not one of a file`},
		"a file whose name is not in meta":   {`"part": "photo"`, `"part": "photo", "name": "filename"`, file + `meta has no string "filename"`},
		"a file whose digest is not in meta": {`"digest": "digest"`, `"digest": "sha256"`, file + `meta has no string "sha256"`},
		"an unknown hash":                    {`"SM3"`, `"MD4"`, file + `the hash "MD4" is not one of SM3 MD5`},
		"a limit without types":              {`"types": ["jpg"], `, ``, file + `a limit has no types, or no size`},
		"a limit of no size":                 {`"max_bytes": 2048`, `"max_bytes": 0`, file + `a limit has no types, or no size`},
		"a type with a dot":                  {`["jpg"]`, `[".jpg"]`, file + `the type ".jpg" is not the lower-case end of a name`},
		"a multipart body without a file":    {`, "file": {"part": "photo", "digest": "digest", "hash": "SM3", "limits": [{"types": ["jpg"], "max_bytes": 2048}]}`, ``, photo + `request: a body has a file if it is multipart, and only then`},
		"a notification without a resource":  {`"name": "resource", "type": "object"`, `"name": "resource", "type": "string"`, `v3/tea.json: TEA.POURED: there is no resource of type object`},
		"a string that is a whole plaintext": {`"format": "rfc3339"`, `"encrypted": "apiv2_key"`, `v3/tea.json: GET /v3/tea: response: time: encrypted does not go with the type string`},
		"an object that is ciphertext":       {`{"name": "pot_id", "type": "string"}`, `{"name": "pot_id", "type": "object", "encrypted": "merchant"}`, `v3/tea.json: TEA.POURED: resource: pot_id: encrypted does not go with the type object`},
		"a notification that is not signed":  {`"title": "倒茶通知"`, `"title": "倒茶通知", "unsigned": true`, `v3/tea.json: TEA.POURED: a notification of APIv3 is signed`},
		"no time between deliveries":         {`"15s"`, `"soon"`, `v3/tea.json: TEA.POURED: the time "soon" between deliveries is not one, such as 30s`},
		"an unknown key of an answer":        {`"signed": true`, `"signed": true, "status": 200`, `v3/tea.json: [TEA.SPILT TEA.POURED]: answer: the format has no key "status"`},
		"an unknown key in an answer":        {`"name": "wiped"`, `"name": "wiped", "auto": true`, `v3/tea.json: [TEA.SPILT TEA.POURED]: answer: wiped: the format has no key "auto"`},
		"an answer without a time":           {`"within": "3s", `, ``, answer + `the time "" within which it is wanted is not whole seconds, such as 3s`},
		"an answer in parts of a second":     {`"within": "3s"`, `"within": "1500ms"`, answer + `the time "1500ms" within which it is wanted is not whole seconds`},
		"an answer in no time":               {`"within": "3s"`, `"within": "0s"`, answer + `the time "0s" within which it is wanted is not whole seconds`},
		"an answer before it was asked":      {`"within": "3s"`, `"within": "-3s"`, answer + `the time "-3s" within which it is wanted is not whole seconds`},
		"an answer that says nothing":        {`[{"name": "wiped", "type": "boolean", "required": true}]`, `[]`, answer + `there are no fields`},
		"an answer with a strange field":     {`"type": "boolean"`, `"type": "bool"`, answer + `wiped: the type "bool" is not one of string integer number boolean object`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(tea, tt.old) {
				t.Fatalf("%q is not in the catalog", tt.old)
			}
			err := read(strings.Replace(tea, tt.old, tt.new, 1))
			if err == nil {
				t.Fatalf("it was read; want the error %s", tt.want)
			}
			lines := strings.Split(err.Error(), "\n")
			if !slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, tt.want) }) {
				t.Errorf("the error is\n%v\nwant\n%s", err, tt.want)
			}
		})
	}
}

// TestANotificationOfAPIv2MayHaveOurName, for WeChat Pay gives most of them none, and sends one unsigned.
func TestANotificationOfAPIv2MayHaveOurName(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ event, want string }{
		"a name of ours":              {`["tea_poured"]`, ""},
		"one of WeChat Pay's":         {`["TEA.POURED"]`, ""},
		"a name that is neither":      {`["tea.poured"]`, `v2/tea.json: tea.poured: the event type "tea.poured" is malformed`},
		"a name that ends with a bar": {`["tea_"]`, `v2/tea.json: tea_: the event type "tea_" is malformed`},
	}
	for name, tt := range tests {
		text := strings.NewReplacer(`["TEA.POURED"], `, tt.event+`, "unsigned": true, `, `{"name": "pot_id", "type": "string"}`,
			`{"name": "pot", "type": "object", "encrypted": "apiv2_key", "fields": [{"name": "pot_id", "type": "string"}]}`).Replace(tea)
		err := readV2(strings.Replace(text, `"answer": {"within": "3s", "signed": true, "fields": [{"name": "wiped", "type": "boolean", "required": true}]},`, ``, 1))
		if got := fmt.Sprint(err); got != tt.want && (err != nil || tt.want != "") {
			t.Errorf("%s gives %s, want %q", name, got, tt.want)
		}
	}
}

func readV2(text string) error {
	_, err := readFiles(fstest.MapFS{"v2/tea.json": {Data: []byte(text)}}, "v2/*.json")
	return err
}

// TestANotificationOfAPIv2OnlyTells, and is told from those of APIv3 by what package webhook gives it.
func TestANotificationOfAPIv2OnlyTells(t *testing.T) {
	t.Parallel()
	const want = `v2/tea.json: TEA.POURED: a notification of APIv2 has no original type
v2/tea.json: TEA.SPILT TEA.POURED: answer: a notification of APIv2 is acknowledged, and asks nothing`
	err := readV2(strings.Replace(tea, `["TEA.POURED"], `, `["TEA.POURED"], "original_types": ["tea"], `, 1))
	if got := fmt.Sprint(err); got != want {
		t.Errorf("the error is\n%s\nwant\n%s", got, want)
	}
}

func TestAllDefectsAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	text := strings.NewReplacer(`"^[SL]$"`, `"["`, `[204]`, `[]`, `"rfc3339"`, `"RFC822"`).Replace(tea)
	if err := read(text); err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("the error is\n%v\nwant three lines", err)
	}
}

func TestProductsOfSeveralFilesAreKeptApart(t *testing.T) {
	t.Parallel()
	other := strings.NewReplacer("/v3/tea", "/v3/mate", "TEA.", "MATE.").Replace(tea)
	c, err := Read(fstest.MapFS{"v3/tea.json": {Data: []byte(tea)}, "v3/mate.json": {Data: []byte(other)}})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Products) != 2 || c.Products[0].Name != "v3/mate" || len(c.Operations()) != 6 || len(c.Notifications()) != 4 {
		t.Errorf("got %+v", c.Products)
	}
	_, err = Read(fstest.MapFS{"v3/tea.json": {Data: []byte(tea)}, "v3/zen.json": {Data: []byte(tea)}})
	if err == nil || !strings.Contains(err.Error(), "v3/zen.json: GET /v3/tea: the operation is there twice") {
		t.Errorf("one operation in two files: %v", err)
	}
}
