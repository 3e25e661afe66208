package ui

import (
	"math"
	"strconv"
)

// onColour returns the text colour, black or white, that reads better on a
// background, by the contrast of WCAG 2.2.
func onColour(background string) string {
	luminance := 0.2126*linear(background[1:3]) + 0.7152*linear(background[3:5]) + 0.0722*linear(background[5:7])
	if (luminance+0.05)/0.05 > 1.05/(luminance+0.05) {
		return "#000000"
	}
	return "#ffffff"
}

// linear returns the linear light of two hexadecimal digits.
func linear(digits string) float64 {
	n, _ := strconv.ParseUint(digits, 16, 8) // checked when the colour was read
	c := float64(n) / 255
	if c <= 0.04045 {
		return c / 12.92
	}
	return math.Pow((c+0.055)/1.055, 2.4)
}
