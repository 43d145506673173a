package wechatpay

import (
	"context"
	"net/http"
)

// Endpoint is a path of WeChat Pay, without types. Get one from [Client.Chain], or from the
// map of all endpoints in package v3.
//
// The zero Endpoint, as a misspelt key of that map yields it, returns an error that says so.
type Endpoint struct {
	c    *Client
	path string
}

// Path is the endpoint's path, as the documents print it.
func (e Endpoint) Path() string { return e.path }

// Get calls the endpoint with GET.
func (e Endpoint) Get(ctx context.Context, opts ...CallOption) (*Response, error) {
	return Send(ctx, e.c, http.MethodGet, e.path, nil, nil, opts)
}

// Post calls the endpoint with POST.
func (e Endpoint) Post(ctx context.Context, opts ...CallOption) (*Response, error) {
	return Send(ctx, e.c, http.MethodPost, e.path, nil, nil, opts)
}

// Put calls the endpoint with PUT.
func (e Endpoint) Put(ctx context.Context, opts ...CallOption) (*Response, error) {
	return Send(ctx, e.c, http.MethodPut, e.path, nil, nil, opts)
}

// Patch calls the endpoint with PATCH.
func (e Endpoint) Patch(ctx context.Context, opts ...CallOption) (*Response, error) {
	return Send(ctx, e.c, http.MethodPatch, e.path, nil, nil, opts)
}

// Delete calls the endpoint with DELETE.
func (e Endpoint) Delete(ctx context.Context, opts ...CallOption) (*Response, error) {
	return Send(ctx, e.c, http.MethodDelete, e.path, nil, nil, opts)
}

// GetAsync is [Endpoint.Get] in the background.
func (e Endpoint) GetAsync(ctx context.Context, opts ...CallOption) *Future[*Response] {
	return e.async(ctx, e.Get, opts)
}

// PostAsync is [Endpoint.Post] in the background.
func (e Endpoint) PostAsync(ctx context.Context, opts ...CallOption) *Future[*Response] {
	return e.async(ctx, e.Post, opts)
}

// PutAsync is [Endpoint.Put] in the background.
func (e Endpoint) PutAsync(ctx context.Context, opts ...CallOption) *Future[*Response] {
	return e.async(ctx, e.Put, opts)
}

// PatchAsync is [Endpoint.Patch] in the background.
func (e Endpoint) PatchAsync(ctx context.Context, opts ...CallOption) *Future[*Response] {
	return e.async(ctx, e.Patch, opts)
}

// DeleteAsync is [Endpoint.Delete] in the background.
func (e Endpoint) DeleteAsync(ctx context.Context, opts ...CallOption) *Future[*Response] {
	return e.async(ctx, e.Delete, opts)
}

type verb func(context.Context, ...CallOption) (*Response, error)

func (e Endpoint) async(ctx context.Context, do verb, opts []CallOption) *Future[*Response] {
	return Async(ctx, func(ctx context.Context) (*Response, error) { return do(ctx, opts...) })
}
