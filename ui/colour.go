package ui

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
)

// colour is red, green and blue in sRGB, each 0 to 1.
type colour [3]float64

var (
	black = colour{0, 0, 0}
	white = colour{1, 1, 1}
	// lightPage and darkSoft are the least favourable backgrounds in the style
	// sheet's two schemes.
	lightPage = colour{0xf4 / 255., 0xf5 / 255., 0xf8 / 255.}
	darkSoft  = colour{0x23 / 255., 0x27 / 255., 0x33 / 255.}
)

// visible is the contrast that WCAG 2.2 asks of controls and of the focus ring
// (success criterion 1.4.11).
const visible = 3

var hexColour = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

func parseColour(text string) (c colour, ok bool) {
	if !hexColour.MatchString(text) {
		return c, false
	}
	for i := range c {
		n, _ := strconv.ParseUint(text[1+2*i:3+2*i], 16, 8) // two hexadecimal digits
		c[i] = float64(n) / 255
	}
	return c, true
}

func (c colour) String() string {
	return fmt.Sprintf("#%02x%02x%02x", int(math.Round(c[0]*255)), int(math.Round(c[1]*255)), int(math.Round(c[2]*255)))
}

// luminance is the relative luminance of WCAG 2.2.
func (c colour) luminance() float64 {
	return 0.2126*linear(c[0]) + 0.7152*linear(c[1]) + 0.0722*linear(c[2])
}

func linear(channel float64) float64 {
	if channel <= 0.04045 {
		return channel / 12.92
	}
	return math.Pow((channel+0.055)/1.055, 2.4)
}

// contrast is the contrast ratio of WCAG 2.2, 1 to 21.
func (c colour) contrast(other colour) float64 {
	a, b := c.luminance(), other.luminance()
	return (max(a, b) + 0.05) / (min(a, b) + 0.05)
}

// text returns the text colour, black or white, that reads better on c.
func (c colour) text() colour {
	if c.contrast(black) > c.contrast(white) {
		return black
	}
	return white
}

// toward returns c, mixed with another colour just enough to be visible on a
// background.
func (c colour) toward(other, background colour) colour {
	for step := 0.0; step < 1; step += 0.05 {
		mixed := colour{}
		for i := range mixed {
			mixed[i] = c[i] + (other[i]-c[i])*step
		}
		if mixed.contrast(background) >= visible {
			return mixed
		}
	}
	return other
}
