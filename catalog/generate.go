package catalog

// What follows from the catalog: v3, its products and internal/facts.
//go:generate go run ../internal/wxgen
