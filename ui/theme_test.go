package ui

import (
	"math"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

func TestContrast(t *testing.T) {
	if got := black.contrast(white); math.Abs(got-21) > 0.001 {
		t.Errorf("black on white: %f, want 21", got)
	}
	grey, _ := parseColour("#767676")
	if got := grey.contrast(white); math.Abs(got-4.54) > 0.01 {
		t.Errorf("#767676 on white: %f, want 4.54", got)
	}
}

func TestAnyAccentCanBeReadAndSeen(t *testing.T) {
	tokens := regexp.MustCompile(`--accent:(#[0-9a-f]{6});--on-accent:(#[0-9a-f]{6});--ring:(#[0-9a-f]{6})`)
	random := rand.New(rand.NewPCG(1, 2))
	accents := []colour{black, white, {1, 1, 0}, {0, 0, 1}, {0, 1, 0}, lightPage, darkSoft}
	for range 500 {
		accents = append(accents, colour{random.Float64(), random.Float64(), random.Float64()})
	}
	for _, accent := range accents {
		schemes := tokens.FindAllStringSubmatch(themeOf(accent), -1)
		if len(schemes) != 2 {
			t.Fatalf("%s: %d schemes", accent, len(schemes))
		}
		for i, background := range []colour{lightPage, darkSoft} {
			button, _ := parseColour(schemes[i][1])
			text, _ := parseColour(schemes[i][2])
			ring, _ := parseColour(schemes[i][3])
			if c := button.contrast(text); c < 4.5 {
				t.Errorf("%s: text on %s has contrast %.2f", accent, button, c)
			}
			if c := ring.contrast(background); c < 2.95 { // rounded to 8 bits
				t.Errorf("%s: ring %s has contrast %.2f", accent, ring, c)
			}
		}
	}
}

// TestStyleSheetContrast reads the tokens of both schemes from the style sheet.
func TestStyleSheetContrast(t *testing.T) {
	sheet, err := assetFiles.ReadFile("assets/portal.css")
	if err != nil {
		t.Fatal(err)
	}
	light, dark, _ := strings.Cut(string(sheet), "prefers-color-scheme: dark")
	token := func(scheme, name string) colour {
		match := regexp.MustCompile(`--` + name + `: (#[0-9a-f]{6})`).FindStringSubmatch(scheme)
		if match == nil {
			t.Fatalf("no token %s", name)
		}
		c, _ := parseColour(match[1])
		return c
	}
	for name, scheme := range map[string]string{"light": light, "dark": dark} {
		for _, pair := range []struct {
			front, back string
			least       float64
		}{
			{"text", "card", 4.5}, {"text", "page", 4.5}, {"text", "soft", 4.5}, {"muted", "card", 4.5}, {"muted", "page", 4.5}, {"muted", "soft", 4.5},
			{"danger", "card", 4.5}, {"danger", "danger-soft", 4.5}, {"edge", "card", visible},
		} {
			if c := token(scheme, pair.front).contrast(token(scheme, pair.back)); c < pair.least {
				t.Errorf("%s: %s on %s has contrast %.2f, want %.1f", name, pair.front, pair.back, c, pair.least)
			}
		}
		if name == "light" && token(scheme, "page") != lightPage || name == "dark" && token(scheme, "soft") != darkSoft {
			t.Errorf("the theme is made for another %s background", name)
		}
	}
}

func TestBadAccent(t *testing.T) {
	for _, accent := range []string{"blue", "#12345", "#1234567", "#12345g", "#fff;}body{display:none", "red\n"} {
		if _, err := loadAssets(Brand{Accent: accent}); err == nil || !strings.Contains(err.Error(), "accent") {
			t.Errorf("%q: %v", accent, err)
		}
	}
}

func TestMarkWearsTheAccent(t *testing.T) {
	a, err := loadAssets(Brand{Accent: "#aa0000"})
	if err != nil {
		t.Fatal(err)
	}
	if mark := string(a.byName[a.named["logo"]].plain); !strings.Contains(mark, "#aa0000") || strings.Contains(mark, defaultAccent) {
		t.Errorf("%s", mark)
	}
}
