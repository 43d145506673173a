package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
)

// An event is a transaction in the journal: for each row that it put the table, the key and the row as
// JSON, each with its length in front. A row that was deleted has no bytes. There is no JSON around
// it, because a journal of a million events is read at every start.

var errDamaged = errors.New("is damaged")

func encodeEvent(puts []put) ([]byte, error) {
	var event []byte
	for _, p := range puts {
		var row []byte
		if p.row != nil {
			var err error
			if row, err = json.Marshal(p.row); err != nil {
				return nil, fmt.Errorf("a row of %s does not encode: %w", p.table, err)
			}
		}
		event = appendText(event, p.table)
		event = appendText(event, p.key)
		event = appendText(event, row)
	}
	return event, nil
}

func appendText[T string | []byte](event []byte, text T) []byte {
	return append(binary.AppendUvarint(event, uint64(len(text))), text...)
}

// readEvent calls fn with each row of an event.
func readEvent(event []byte, fn func(table, key, row []byte) error) error {
	for len(event) > 0 {
		var parts [3][]byte
		for i := range parts {
			length, n := binary.Uvarint(event)
			if n <= 0 || length > uint64(len(event)-n) {
				return errDamaged
			}
			parts[i], event = event[n:n+int(length)], event[n+int(length):]
		}
		if err := fn(parts[0], parts[1], parts[2]); err != nil {
			return err
		}
	}
	return nil
}
