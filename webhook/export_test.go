package webhook

// Remembered is how many notifications m holds.
func Remembered(m *Memory) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return max(len(m.done), len(m.order))
}
