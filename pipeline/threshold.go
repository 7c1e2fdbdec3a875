package pipeline

import "strconv"

// Threshold is how many rejected rows are put up with: a number, or a share of all. The zero Threshold puts
// up with any.
type Threshold struct {
	Rows  int
	Share float64 // of all, 0 to 1
}

// Exceeded reports whether so many rejected rows are too many.
func (t Threshold) Exceeded(rejected, all int) bool {
	return t.Rows > 0 && rejected > t.Rows || t.Share > 0 && float64(rejected) > t.Share*float64(all)
}

// String gives it as people write it: 20% or 500.
func (t Threshold) String() string {
	if t.Share > 0 {
		return strconv.FormatFloat(t.Share*100, 'g', 4, 64) + "%"
	}
	return strconv.Itoa(t.Rows)
}
