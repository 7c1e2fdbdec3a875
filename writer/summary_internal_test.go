package writer

import "testing"

func TestPerSecond(t *testing.T) {
	for rate, want := range map[float64]string{0.034: "0.034", 4: "4", 48.333: "48.3", 999.4: "999", 999.6: "1000", 1266.7: "1267"} {
		if got := perSecond(rate); got != want {
			t.Errorf("%v is shown as %s, want %s", rate, got, want)
		}
	}
}
