package authcore

import (
	"encoding/json"
	"testing"
)

// TestClientInAJob leaves out what jobs have no use for.
func TestClientInAJob(t *testing.T) {
	client := Client{IP: "192.0.2.1", UserAgent: "ua", Trust: []string{"secret"}}
	text, err := json.Marshal(client)
	var kept Client
	if err != nil || json.Unmarshal(text, &kept) != nil {
		t.Fatal(err)
	}
	if kept.IP != client.IP || kept.UserAgent != "" || kept.Trust != nil {
		t.Errorf("%s", text)
	}
}
