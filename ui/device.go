package ui

import (
	"strconv"
	"time"

	"github.com/mileusna/useragent"
)

// deviceName tells a browser and a system from a User-Agent header, and
// whether they are in somebody's pocket.
func deviceName(header string, m messages) (name string, mobile bool) {
	ua := useragent.Parse(clip(header))
	mobile = ua.Mobile || ua.Tablet
	switch {
	case ua.Name != "" && ua.OS != "":
		return m.text("device.browser_on_system", "browser", ua.Name, "system", ua.OS), mobile
	case ua.Name != "":
		return ua.Name, mobile
	default:
		return m.text("device.unknown"), mobile
	}
}

// ago says how long ago something was.
func (m messages) ago(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return m.text("time.now")
	case d < 2*time.Hour:
		return m.text("time.minutes", "n", strconv.Itoa(int(d.Minutes())))
	case d < 48*time.Hour:
		return m.text("time.hours", "n", strconv.Itoa(int(d.Hours())))
	default:
		return m.text("time.days", "n", strconv.Itoa(int(d.Hours()/24)))
	}
}
