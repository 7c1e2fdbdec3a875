package pipeline

// chunkLen is how many values lie together.
const chunkLen = 1 << 13

// chunks is a long list that grows without being copied: at a million rows a slice that doubles would
// need room for three times what is in it.
type chunks[T any] struct{ full [][]T }

func (c *chunks[T]) add(v T) {
	if n := len(c.full); n == 0 || len(c.full[n-1]) == chunkLen {
		size := chunkLen
		if n == 0 {
			size = 64 // most files are small
		}
		c.full = append(c.full, make([]T, 0, size))
	}
	last := &c.full[len(c.full)-1]
	*last = append(*last, v)
}

func (c *chunks[T]) at(i int) *T { return &c.full[i/chunkLen][i%chunkLen] }

func (c *chunks[T]) len() int {
	n := len(c.full)
	if n == 0 {
		return 0
	}
	return (n-1)*chunkLen + len(c.full[n-1])
}
