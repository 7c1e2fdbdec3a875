package pipeline

import "testing"

func TestChunks(t *testing.T) {
	var c chunks[int]
	if c.len() != 0 {
		t.Errorf("an empty list has length %d", c.len())
	}
	const n = 3*chunkLen + 5
	for i := range n {
		c.add(i)
		if c.len() != i+1 {
			t.Fatalf("after %d the length is %d", i+1, c.len())
		}
	}
	*c.at(chunkLen)++
	for i := range n {
		want := i
		if i == chunkLen {
			want++
		}
		if *c.at(i) != want {
			t.Fatalf("at %d there is %d", i, *c.at(i))
		}
	}
}
