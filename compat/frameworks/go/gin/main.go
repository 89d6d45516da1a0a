// Gin, along the six steps of the Backend Integration page.
package main

import (
	"log"
	"net/http"
	"os"

	"compat/releases"

	"github.com/gin-contrib/cors"
	"github.com/gin-gonic/gin"
	"github.com/supertokens/supertokens-golang/recipe/session"
	"github.com/supertokens/supertokens-golang/recipe/session/sessmodels"
	"github.com/supertokens/supertokens-golang/supertokens"
)

const websiteDomain = "http://localhost:3000"

func main() {
	// step 2: initialise
	apiBasePath := "/auth"
	websiteBasePath := "/auth"
	telemetry := false
	err := supertokens.Init(supertokens.TypeInput{
		Supertokens: &supertokens.ConnectionInfo{
			ConnectionURI: os.Getenv("CORE_URL"),
			APIKey:        os.Getenv("API_KEY"),
		},
		AppInfo: supertokens.AppInfo{
			AppName:         "compat",
			APIDomain:       "http://localhost:" + os.Getenv("PORT"),
			WebsiteDomain:   websiteDomain,
			APIBasePath:     &apiBasePath,
			WebsiteBasePath: &websiteBasePath,
		},
		RecipeList: []supertokens.Recipe{session.Init(nil)},
		Telemetry:  &telemetry,
	})
	if err != nil {
		log.Fatal(err)
	}

	gin.SetMode(gin.ReleaseMode)
	router := gin.New()

	// step 3: CORS, then the SuperTokens APIs; step 4: the middleware and VerifySession answer the SDK's errors
	router.Use(cors.New(cors.Config{
		AllowOrigins:     []string{websiteDomain},
		AllowMethods:     []string{"GET", "POST", "DELETE", "PUT", "OPTIONS"},
		AllowHeaders:     append([]string{"content-type"}, supertokens.GetAllCORSHeaders()...),
		AllowCredentials: true,
	}))
	router.Use(func(c *gin.Context) {
		supertokens.Middleware(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			c.Next()
		})).ServeHTTP(c.Writer, c.Request)
		// The next handler runs only by the call of Next above.
		c.Abort()
	})

	router.POST("/login", login)

	// step 5: routes that need a session
	router.GET("/session", verifySession(nil), sessionInfo)
	router.GET("/session-checked", verifySession(releases.Checked), sessionInfo)
	router.GET("/optional", verifySession(releases.NoSession), optional)
	router.POST("/merge", verifySession(nil), merge)
	router.GET("/claim", verifySession(releases.OnlyAdmins), claim)

	releases.Serve(router)
}

// VerifySession as a handler of Gin's.
func verifySession(options *sessmodels.VerifySessionOptions) gin.HandlerFunc {
	return func(c *gin.Context) {
		session.VerifySession(options, func(rw http.ResponseWriter, r *http.Request) {
			c.Request = c.Request.WithContext(r.Context())
			c.Next()
		})(c.Writer, c.Request)
		c.Abort()
	}
}

func sessionOf(c *gin.Context) sessmodels.SessionContainer {
	return session.GetSessionFromRequestContext(c.Request.Context())
}

func sessionInfo(c *gin.Context) {
	found := sessionOf(c)
	c.JSON(http.StatusOK, gin.H{"userId": found.GetUserID(), "handle": found.GetHandle(), "payload": found.GetAccessTokenPayload()})
}

func login(c *gin.Context) {
	var asked struct {
		UserID  string                 `json:"userId"`
		Payload map[string]interface{} `json:"payload"`
	}
	if c.BindJSON(&asked) != nil {
		return
	}
	made, err := releases.CreateSession(c.Request, c.Writer, asked.UserID, asked.Payload)
	if err != nil {
		fail(c, err)
		return
	}
	c.JSON(http.StatusOK, gin.H{"userId": asked.UserID, "handle": made.GetHandle()})
}

func optional(c *gin.Context) {
	var userID interface{}
	if found := sessionOf(c); found != nil {
		userID = found.GetUserID()
	}
	c.JSON(http.StatusOK, gin.H{"userId": userID})
}

func merge(c *gin.Context) {
	var update map[string]interface{}
	if c.BindJSON(&update) != nil {
		return
	}
	if err := sessionOf(c).MergeIntoAccessTokenPayload(update); err != nil {
		fail(c, err)
		return
	}
	c.JSON(http.StatusOK, gin.H{})
}

func claim(c *gin.Context) {
	c.JSON(http.StatusOK, gin.H{"userId": sessionOf(c).GetUserID()})
}

// The SDK answers its own errors; any other is a 500.
func fail(c *gin.Context, err error) {
	if err = supertokens.ErrorHandler(err, c.Request, c.Writer); err != nil {
		c.AbortWithError(http.StatusInternalServerError, err)
	}
}
