package front

import (
	"net/url"
	"strings"

	"github.com/openwechatpay/wechatpay/catalog"
)

// router finds operations by path. A segment that is written out goes before a parameter.
type router struct {
	next       map[string]*router
	parameter  *router
	operations []*catalog.Operation // that end here, one for each method
}

func (t *router) add(op *catalog.Operation) {
	node := t
	for segment := range strings.SplitSeq(op.Path[1:], "/") {
		node = node.child(segment)
	}
	node.operations = append(node.operations, op)
}

func (t *router) child(segment string) *router {
	if strings.HasPrefix(segment, "{") {
		if t.parameter == nil {
			t.parameter = new(router)
		}
		return t.parameter
	}
	if t.next == nil {
		t.next = map[string]*router{}
	}
	if t.next[segment] == nil {
		t.next[segment] = new(router)
	}
	return t.next[segment]
}

// find returns the operation at path, which is still escaped, with the arguments by name.
// Without one, others tells whether the path has other methods.
func (t *router) find(method, path string) (op *catalog.Operation, args map[string]string, others bool) {
	if !strings.HasPrefix(path, "/") {
		return nil, nil, false
	}
	segments := strings.Split(path[1:], "/")
	node := t.walk(segments)
	if node == nil {
		return nil, nil, false
	}
	for _, op := range node.operations {
		if op.Method == method {
			return op, arguments(op, segments), false
		}
	}
	return nil, nil, true
}

func (t *router) walk(segments []string) *router {
	if len(segments) == 0 {
		if len(t.operations) == 0 {
			return nil
		}
		return t
	}
	if next := t.next[segments[0]]; next != nil {
		if end := next.walk(segments[1:]); end != nil {
			return end
		}
	}
	if t.parameter == nil || segments[0] == "" {
		return nil
	}
	if _, err := url.PathUnescape(segments[0]); err != nil {
		return nil
	}
	return t.parameter.walk(segments[1:])
}

func arguments(op *catalog.Operation, segments []string) map[string]string {
	args := map[string]string{}
	i := 0
	for segment := range strings.SplitSeq(op.Path[1:], "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			args[strings.TrimSuffix(name, "}")], _ = url.PathUnescape(segments[i])
		}
		i++
	}
	return args
}
