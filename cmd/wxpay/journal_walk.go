package main

import (
	"encoding/binary"
	"io"

	bolt "go.etcd.io/bbolt"
)

// What a page of bbolt's has, in the order of this machine's bytes: its number, its flags, how many
// elements it has and by how many pages it is longer; then the elements, 16 bytes each.
const (
	pageHead    = 16
	elementSize = 16
	branchPage  = 1
	leafPage    = 2
	bucketFlag  = 1 // of an element of a leaf
)

// checkTree checks that each page of the tree below the root is reached once: bbolt would follow
// a circle for ever.
func checkTree(tx *bolt.Tx, file io.ReaderAt, pageSize int) error {
	end := uint64(tx.Size()) / uint64(pageSize)
	reached := make([]bool, end)
	next := []uint64{uint64(tx.Cursor().Bucket().Root())}
	for len(next) > 0 {
		id := next[len(next)-1]
		next = next[:len(next)-1]
		if id < 2 || id >= end {
			return damaged("page %d is none of its %d", id, end)
		}
		if reached[id] {
			return damaged("page %d is reached twice", id)
		}
		reached[id] = true
		below, err := pagesBelow(file, int64(id)*int64(pageSize), int64(end)*int64(pageSize))
		if err != nil {
			return err
		}
		next = append(next, below...)
	}
	return nil
}

// pagesBelow are the pages that the page at an offset leads to.
func pagesBelow(file io.ReaderAt, at, end int64) (below []uint64, err error) {
	var head [pageHead]byte
	if _, err := file.ReadAt(head[:], at); err != nil {
		return nil, damaged("%w", err)
	}
	flags, count := binary.NativeEndian.Uint16(head[8:]), int64(binary.NativeEndian.Uint16(head[10:]))
	if flags != branchPage && flags != leafPage || at+pageHead+count*elementSize > end {
		return nil, damaged("at %d there is no page of the tree", at)
	}
	elements := make([]byte, count*elementSize)
	if _, err := file.ReadAt(elements, at+pageHead); err != nil {
		return nil, damaged("%w", err)
	}
	for i := int64(0); i < count; i++ {
		e := elements[i*elementSize:][:elementSize]
		if flags == branchPage {
			below = append(below, binary.NativeEndian.Uint64(e[8:]))
			continue
		}
		if binary.NativeEndian.Uint32(e)&bucketFlag == 0 {
			continue
		}
		value := at + pageHead + i*elementSize + int64(binary.NativeEndian.Uint32(e[4:])) + int64(binary.NativeEndian.Uint32(e[8:]))
		var root [8]byte
		if _, err := file.ReadAt(root[:], value); err != nil {
			return nil, damaged("%w", err)
		}
		if id := binary.NativeEndian.Uint64(root[:]); id != 0 { // else the bucket is in the value
			below = append(below, id)
		}
	}
	return below, nil
}
