// How often does supertokens-golang check one session in a slice of time? Usage: go run . CORE_URL TOKEN_FILE.
// Each line on standard input is a length in ms; each answer is a number of checks a second.
package main

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/supertokens/supertokens-golang/recipe/session"
	"github.com/supertokens/supertokens-golang/recipe/session/sessmodels"
	"github.com/supertokens/supertokens-golang/supertokens"
)

func main() {
	coreURL, tokenFile := os.Args[1], os.Args[2]
	err := supertokens.Init(supertokens.TypeInput{
		Supertokens: &supertokens.ConnectionInfo{ConnectionURI: coreURL},
		AppInfo:     supertokens.AppInfo{AppName: "bench", APIDomain: "http://localhost:3001", WebsiteDomain: "http://localhost:3000"},
		RecipeList:  []supertokens.Recipe{session.Init(nil)},
	})
	if err != nil {
		panic(err)
	}
	text, err := os.ReadFile(tokenFile)
	if err != nil {
		panic(err)
	}
	token, no := strings.TrimSpace(string(text)), false
	check := func() {
		found, err := session.GetSessionWithoutRequestResponse(token, nil, &sessmodels.VerifySessionOptions{AntiCsrfCheck: &no})
		if err != nil || found.GetUserID() == "" {
			panic(fmt.Sprint("no session: ", err))
		}
	}
	check()
	fmt.Println("ready")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		length, err := strconv.ParseFloat(lines.Text(), 64)
		if err != nil {
			panic(err)
		}
		begin, checks := time.Now(), 0
		for time.Since(begin).Seconds()*1000 < length {
			check()
			checks++
		}
		fmt.Println(float64(checks) / time.Since(begin).Seconds())
	}
}
