// SPDX-FileCopyrightText: The Doorcode authors
// SPDX-License-Identifier: Apache-2.0

package ways_test

import "pgregory.net/rapid"

// readQR reads the text of a QR code of ISO/IEC 18004: bytes, error correction
// level M, versions 2 to 13. Nothing is corrected: every block must be without an
// error, which its syndromes tell.
func readQR(t rapid.TB, dark [][]bool) string {
	t.Helper()
	version := (len(dark) - 17) / 4
	layout := blocksM[version]
	if len(layout) == 0 || len(dark) != 17+4*version {
		t.Fatalf("%d modules are of no version that is known here", len(dark))
	}
	code := codewords(dark, version, maskOf(t, dark))
	var text []byte
	for _, block := range deinterleave(code, layout) {
		for power := range layout[0].total - layout[0].data {
			if s := syndrome(block, power); s != 0 {
				t.Fatalf("a block has syndrome %d at power %d", s, power)
			}
		}
		text = append(text, block[:len(block)-(layout[0].total-layout[0].data)]...)
	}
	return byteSegment(t, text, version)
}

// blocksM are the blocks of error correction level M (table 9), by version, all
// with as many check bytes within one version.
var blocksM = [14][]block{
	2: {{1, 44, 28}}, 3: {{1, 70, 44}}, 4: {{2, 50, 32}}, 5: {{2, 67, 43}}, 6: {{4, 43, 27}}, 7: {{4, 49, 31}},
	8: {{2, 60, 38}, {2, 61, 39}}, 9: {{3, 58, 36}, {2, 59, 37}}, 10: {{4, 69, 43}, {1, 70, 44}},
	11: {{1, 80, 50}, {4, 81, 51}}, 12: {{6, 58, 36}, {2, 59, 37}}, 13: {{8, 59, 37}, {1, 60, 38}},
}

type block struct{ count, total, data int }

// maskOf reads which mask lies over the data, from the format beside the upper left
// finder (section 7.9), and checks that the level is M.
func maskOf(t rapid.TB, dark [][]bool) int {
	t.Helper()
	format := 0
	for i := range 15 {
		row, column := 8, i // bits 14 to 9: row 8, from the left
		switch {
		case i == 6:
			column = 7
		case i == 7:
			column = 8
		case i == 8:
			row, column = 7, 8
		case i > 8:
			row, column = 14-i, 8
		}
		format <<= 1
		if dark[row][column] {
			format |= 1
		}
	}
	format ^= 0b101010000010010
	if level := format >> 13; level != 0b00 {
		t.Fatalf("error correction level %02b, want M", level)
	}
	return format >> 10 & 0b111
}

// masked says whether a mask turns a module over (table 10).
func masked(mask, row, column int) bool {
	switch mask {
	case 0:
		return (row+column)%2 == 0
	case 1:
		return row%2 == 0
	case 2:
		return column%3 == 0
	case 3:
		return (row+column)%3 == 0
	case 4:
		return (row/2+column/3)%2 == 0
	case 5:
		return row*column%2+row*column%3 == 0
	case 6:
		return (row*column%2+row*column%3)%2 == 0
	default:
		return ((row+column)%2+row*column%3)%2 == 0
	}
}

// isPattern says whether a module carries no data: finders, timing, alignment,
// format and version (section 5.3.2).
func isPattern(size, version, row, column int) bool {
	finder := row < 9 && column < 9 || row < 9 && column >= size-8 || row >= size-8 && column < 9
	timing := row == 6 || column == 6
	written := version >= 7 && (row < 6 && column >= size-11 || column < 6 && row >= size-11)
	return finder || timing || written || isAlignment(size, version, row, column)
}

// isAlignment knows the versions to 13, which have two or three lines of alignment
// patterns (annex E).
func isAlignment(size, version, row, column int) bool {
	lines := []int{6, size - 7}
	if version >= 7 {
		lines = []int{6, size / 2, size - 7}
	}
	for _, y := range lines {
		for _, x := range lines {
			corner := y == 6 && x == 6 || y == 6 && x == size-7 || y == size-7 && x == 6
			if !corner && max(row-y, y-row, column-x, x-column) <= 2 {
				return true
			}
		}
	}
	return false
}

// codewords follows the data up and down in columns of two (section 7.7.3).
func codewords(dark [][]bool, version, mask int) (code []byte) {
	size, bits, value := len(dark), 0, byte(0)
	up := true
	for right := size - 1; right > 0; right -= 2 {
		if right == 6 {
			right-- // the timing pattern takes a column of its own
		}
		for i := range 2 * size {
			row, column := i/2, right-i%2
			if up {
				row = size - 1 - row
			}
			if isPattern(size, version, row, column) {
				continue
			}
			value <<= 1
			if dark[row][column] != masked(mask, row, column) {
				value |= 1
			}
			if bits++; bits%8 == 0 {
				code = append(code, value)
			}
		}
		up = !up
	}
	return code
}

// deinterleave puts each block together again: its data, then its check bytes
// (section 7.6).
func deinterleave(code []byte, layout []block) (blocks [][]byte) {
	var data []int
	for _, b := range layout {
		for range b.count {
			data = append(data, b.data)
		}
	}
	blocks = make([][]byte, len(data))
	next := 0
	take := func(to int) {
		blocks[to] = append(blocks[to], code[next])
		next++
	}
	for i := range layout[len(layout)-1].data {
		for b := range blocks {
			if i < data[b] {
				take(b)
			}
		}
	}
	for range layout[0].total - layout[0].data {
		for b := range blocks {
			take(b)
		}
	}
	return blocks
}

// syndrome is a block as a polynomial, at a power of 2 in GF(256) modulo
// x^8+x^4+x^3+x^2+1 (section 7.5.2): zero where it has no error.
func syndrome(block []byte, power int) (s byte) {
	at := byte(1)
	for range power {
		at = product(at, 2)
	}
	for _, b := range block {
		s = product(s, at) ^ b
	}
	return s
}

func product(a, b byte) (p byte) {
	for ; b > 0; b >>= 1 {
		if b&1 == 1 {
			p ^= a
		}
		carry := a&0x80 != 0
		if a <<= 1; carry {
			a ^= 0x1d
		}
	}
	return p
}

// byteSegment reads the one segment of bytes (section 7.4.5).
func byteSegment(t rapid.TB, text []byte, version int) string {
	t.Helper()
	next := 0
	read := func(bits int) (value int) {
		for range bits {
			value = value<<1 | int(text[next/8]>>(7-next%8)&1)
			next++
		}
		return value
	}
	if mode := read(4); mode != 0b0100 {
		t.Fatalf("mode %04b, want bytes", mode)
	}
	length := 8
	if version >= 10 {
		length = 16
	}
	said := make([]byte, read(length))
	for i := range said {
		said[i] = byte(read(8))
	}
	return string(said)
}
