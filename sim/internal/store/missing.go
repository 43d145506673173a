package store

import "fmt"

// Missing is an error about what is not there; other errors are about the state that it is in.
type Missing struct{ error }

// Missingf formats a Missing as [fmt.Errorf] does.
func Missingf(format string, args ...any) error { return Missing{fmt.Errorf(format, args...)} }
