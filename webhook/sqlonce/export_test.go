package sqlonce

import "time"

// Impatient has s wait for no longer than a moment for a database that is silent.
func (s *Store) Impatient() { s.patience = 50 * time.Millisecond }
