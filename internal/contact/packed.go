package contact

import "strconv"

// Packed is a [Phone] without its region in eight bytes, for whoever keeps a million of them. Zero is none.
type Packed uint64

// What is kept above the digits, of which E.164 has 15 at most: 50 bits.
const (
	packedArea   Packed = 1 << 61
	packedKnown  Packed = 1 << 62
	packedMobile Packed = 1 << 63
	packedDigits        = packedArea - 1
)

// Pack gives a number that was read; zero for none.
func (p Phone) Pack() Packed {
	if len(p.E164) < 2 {
		return 0
	}
	digits, err := strconv.ParseUint(p.E164[len("+"):], 10, 61)
	if err != nil || p.E164[1] == '0' {
		return 0
	}
	packed := Packed(digits)
	if p.Area {
		packed |= packedArea
	}
	if p.Known {
		packed |= packedKnown
	}
	if p.Mobile {
		packed |= packedMobile
	}
	return packed
}

// Phone gives the number back, which is the region's.
func (k Packed) Phone(region string) Phone {
	if k == 0 {
		return Phone{}
	}
	p := Phone{
		E164: "+" + strconv.FormatUint(uint64(k&packedDigits), 10), Region: region,
		Mobile: k&packedMobile != 0, Known: k&packedKnown != 0, Area: k&packedArea != 0,
	}
	p.Notice = p.notice()
	return p
}
