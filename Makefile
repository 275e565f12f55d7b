# HTTP/2 in C, six labs. `make help` lists every command.
#
# A program is one file: labNN-name/X.c is the student's, labNN-name/solution/X.c the reference
# solution. Make links each with common/, and the grader too. All output goes under build/:
#
#   build/labs/lab01-session/session        the student's program; session.log has the compiler's messages
#   build/solutions/lab01-session/session   the reference solution
#   build/grader/{grade,guard,serve}        the grader, and the programs that it needs
#   build/tests/                            the tests, and the hostile programs that they run
#   build/bench/                            the programs that `make bench` measures, and the results
#   build/fuzz/                             the fuzz targets, and their findings
#   build/obj/{plain,sanitized,release,fuzz}/   object files: without and with the sanitizers, for build/bench/, for build/fuzz/

# What the command line says is text: the name of a submission's folder may have $(shell ...) in it.
$(foreach name,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $(name)))),\
  $(eval override $(name) := $$(value $(name)))))

# Only Linux has the calls that confine and watch a program.
ifneq ($(shell uname -s),Linux)
$(error these labs need Linux (/proc, namespaces, seccomp), and this is $(shell uname -s): open this folder in its dev \
  container (GitHub Codespaces, or VS Code with Docker), or in a virtual machine with Debian or Ubuntu)
endif

BUILD ?= build
export BUILD
ifneq ($(words $(BUILD)),1)
$(error BUILD=$(BUILD): make cannot build where there is a blank in the name)
endif

# Use all cores, unless -j says otherwise. (A make that another make calls shares its jobs.)
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc)
endif

# Make several goals one after the other: in `make deps grade`, nothing compiles before the libraries are installed.
ifneq ($(word 2,$(MAKECMDGOALS)),)
.NOTPARALLEL:
.PHONY: $(MAKECMDGOALS)
$(sort $(MAKECMDGOALS)):
	@$(MAKE) --no-print-directory $@

# Run one grading at a time: two would build and write in the same place.
else ifneq ($(if $(ALONE),,$(filter grade report,$(MAKECMDGOALS))),)
.PHONY: $(MAKECMDGOALS)
$(MAKECMDGOALS):
	+@sh grader/tools/alone.sh $(MAKE) --no-print-directory ALONE=1 $@
else

MAKEFLAGS += -rR --output-sync --no-print-directory
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all help FORCE predict bonus grade watch hint solution steady report trace-page serve certs demo pictures gdb reset live slides protection
.PHONY: deps deps-test deps-bench deps-class deps-pictures test mistakes mutants variations mistake-programs starters format lint fuzz bench bench-readme bounds soak clean version
.PHONY: platforms platforms-readme handout class class-report regrade similar autograder autograder-try export

# --- Files --------------------------------------------------------------------------------------------

# LAB may be 3, 03, lab03 or lab03-server.
ifdef LAB
lab_number := 0$(patsubst 0%,%,$(patsubst lab%,%,$(firstword $(subst -, ,$(LAB)))))
endif
FOLDERS := $(sort $(shell find . -maxdepth 1 -name 'lab$(or $(lab_number),[0-9][0-9])-*' -printf '%f\n' | grep -xE '[a-z0-9-]+'))
ifeq ($(FOLDERS),)
$(if $(LAB),$(error there is no lab '$(LAB)'))
endif

# Only files with plain names, because the names go into commands.
plain_name := grep -xE '[a-z0-9_-]+/[a-z0-9_]+\.c'
STUDENTS  := $(patsubst %.c,$(BUILD)/labs/%,$(sort $(shell find $(FOLDERS) -maxdepth 1 -name '*.c' | $(plain_name))))
BONUS     := $(patsubst %.c,$(BUILD)/bonus/%,$(wildcard $(FOLDERS:=/bonus/$(if $(SOLUTION),solution/)$(if $(EXERCISE),$(EXERCISE),*).c)))
SOLUTIONS := $(patsubst %.c,$(BUILD)/solutions/%,$(subst /solution/,/,$(wildcard $(FOLDERS:=/solution/*.c))))

COMMON       := $(wildcard common/*.c common/inner/*.c)
GRADER_MAINS := $(wildcard grader/grade/main.c grader/sandbox/guard.c grader/sandbox/make_filters.c grader/sandbox/compile.c \
                 grader/serve/main.c grader/lecture/main.c grader/lecture/relay.c grader/page/main.c \
                 grader/words/main.c grader/predict/main.c) $(filter-out %/subject.c %/wire.c,$(wildcard grader/bonus/*.c))
BONUS_CHECKS := $(patsubst grader/bonus/%.c,$(BUILD)/grader/%,$(filter grader/bonus/%,$(GRADER_MAINS)))
ROOMS        := base sandbox wire words play checks result board page serve grade lecture predict bonus
GRADER       := $(filter-out $(GRADER_MAINS),$(wildcard $(ROOMS:%=grader/%/*.c)))
GRADER_BUILT := $(addprefix $(BUILD)/grader/,grade guard compile serve lecture relay trace_page todos predict) $(BONUS_CHECKS)
LIVE_BUILT   := $(BUILD)/grader/serve $(BUILD)/grader/lecture
FILTERS      := $(BUILD)/grader/program.bpf $(BUILD)/grader/language.bpf $(BUILD)/grader/compiler.bpf

TESTS   := $(patsubst %/tests/,$(BUILD)/tests/%_tests,$(sort $(dir $(wildcard */tests/*_tests.c))))
SCRIPTS := $(wildcard common/tests/*.sh common/tests/*.py grader/tests/*.sh grader/tests/*.py)
# The tests of escapes.c and vandals.c compile these files, and tell them what to attack.
HOSTILE := $(patsubst %.c,$(BUILD)/tests/hostile/%,\
             $(notdir $(filter-out %/escapes.c %/vandals.c,$(wildcard grader/tests/hostile/*.c grader/tests/hostile/sanitized/*.c))))

EXAMPLES := $(patsubst common/%.c,$(BUILD)/%,$(wildcard common/examples/*.c))

BENCH   := $(patsubst common/bench/%.c,$(BUILD)/bench/%,$(wildcard common/bench/*.c))
BENCHED_LABS := $(patsubst $(BUILD)/solutions/%,$(BUILD)/bench/labs/%,$(filter %/server %/router,$(SOLUTIONS)))

# Each target has a folder of seeds. The targets share the other files in common/fuzz/.
FUZZED      := $(patsubst common/fuzz/seeds/%,$(BUILD)/fuzz/%,$(wildcard common/fuzz/seeds/*))
FUZZ_SHARED := $(filter-out $(FUZZED:$(BUILD)/fuzz/%=common/fuzz/%.c),$(wildcard common/fuzz/*.c))

VARIANTS := $(patsubst grader/%.c,$(BUILD)/%,$(wildcard grader/tests/variants/c/lab*/*.c))

SOURCES := $(wildcard common/*.[ch] common/inner/*.[ch] common/tests/*.[ch] common/tests/*/*.[ch] common/examples/*.c common/bench/*.c common/fuzz/*.[ch] \
             $(ROOMS:%=grader/%/*.[ch]) grader/tests/*.[ch] grader/tests/hostile/*.c grader/tests/hostile/sanitized/*.c \
             grader/tests/variants/c/*.[ch] grader/tests/variants/c/*/*.c lab*/*.[ch] lab*/solution/*.[ch] lab*/bonus/*.c lab*/bonus/solution/*.c)

# --- How to compile -------------------------------------------------------------------------------

Q   := $(if $(V),,@)
say = @echo '  $(1) $(2)'

# Quote one word for the shell, whatever characters it has.
quote = '$(subst ','\'',$(1))'

ifneq ($(filter default undefined,$(origin CC)),)
CC := gcc
endif
# Warnings stop only developers of this project, because a newer compiler has new ones. Set WERROR=-Werror, or export it as
# .ci/run does, to make them errors everywhere. Every make that this one calls gets it.
WERROR    ?= $(if $(filter test lint,$(MAKECMDGOALS)),$(if $(ONLY),,-Werror))
export WERROR
FLAGS     := -std=gnu11 -D_GNU_SOURCE -I. -g -fno-omit-frame-pointer -Wall -Wextra -Wshadow
PLAIN     := $(FLAGS) -O2
# Frame pointers are for reports and profiles: 5% of our instructions.
RELEASE   := $(PLAIN) -fomit-frame-pointer
SANITIZED := $(FLAGS) -O1 -fsanitize=address,undefined
# A student's own file: a report names each function as it stands there, and the grader sees which have run.
WATCHED   := $(SANITIZED) -fno-inline -finstrument-functions
THREADED  := $(FLAGS) -O1 -fsanitize=thread

# libFuzzer needs clang, whatever compiles the rest.
FUZZING   := $(FLAGS) -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all

# The labs' programs notice a forbidden call of nghttp2 (common/inner/misuse.c), and let the grader
# look into them and make a call fail (common/inner/probe.c).
comma   := ,
calls   := nghttp2_session_mem_recv nghttp2_session_mem_send nghttp2_session_callbacks_new \
           $(foreach side,client server,$(foreach version,new new2 new3,nghttp2_session_$(side)_$(version))) \
           nghttp2_submit_settings nghttp2_submit_request nghttp2_submit_response \
           nghttp2_session_terminate_session nghttp2_session_terminate_session2 \
           transport_write buffer_append buffer_append_text \
           X509_VERIFY_PARAM_set1_host SSL_CTX_set_alpn_protos SSL_select_next_proto \
           $(patsubst %,nghttp2_session_callbacks_set_%_callback,on_begin_headers on_header on_data_chunk_recv \
             on_frame_recv on_stream_close) \
           nghttp2_session_get_stream_user_data nghttp2_session_set_stream_user_data stream_respond stream_close \
           stream_set_events stream_write stream_write_static stream_end \
           uv_timer_start uv_timer_again uv_stop uv_close SSL_CTX_ctrl server_listen client_connect \
           malloc calloc realloc reallocarray aligned_alloc posix_memalign strdup strndup \
           asprintf vasprintf __asprintf_chk __vasprintf_chk open_memstream getline getdelim _exit _Exit quick_exit bind dl_iterate_phdr dlsym
WRAPPED := $(calls:%=-Wl$(comma)--wrap=%)
# Also a program that makes none of these calls has the probe.
WRAPPED += -Wl,--undefined=probe_fails

# A program at a fixed address starts a fifth faster: the loader relocates nothing in it.
WRAPPED += -no-pie

# gcc's sanitizers are two libraries with 6 MB of variables each, and LeakSanitizer reads all of them at the end of every
# program. If we link them in, they are one. (Link both or none: one alone would use half of the other.) clang does so itself.
ifeq ($(findstring clang,$(CC)),)
WRAPPED += -static-libasan -static-libubsan
RELEASE += -flto=auto
endif

# Goals that compile nothing do not need the libraries.
ifeq ($(filter help deps deps-test deps-bench deps-class deps-pictures bench-readme handout autograder autograder-try class-report similar export platforms platforms-readme starters reset format clean certs version,$(MAKECMDGOALS)),)
libraries := $(shell pkg-config --cflags --libs libnghttp2 openssl libuv jansson 2>&1)
criterion := $(shell pkg-config --cflags --libs criterion 2>&1)
ifeq ($(and $(filter -lnghttp2,$(libraries)),$(filter -lcriterion,$(criterion))),)
$(error a library or pkg-config is missing; `make deps` installs them)
endif
FLAGS_OF_LIBRARIES := $(filter-out -l% -L%,$(libraries) $(criterion))
LIBRARIES          := -Wl,--as-needed $(filter -l% -L% -pthread,$(libraries))
CRITERION          := $(filter -l% -L% -pthread,$(criterion))

# Half of the time that a student's program takes to build is the linker's. Where one is installed that takes a third of
# that, and the compiler knows it, link with it; on one core, and wait until it is done.
linker_mold := -fuse-ld=mold -Wl,--no-threads,--no-fork
linker_lld  := -fuse-ld=lld -Wl,--threads=1
linker_gold := -fuse-ld=gold
can_link     = $(and $(shell command -v ld.$(1)),$(shell $(CC) -fuse-ld=$(1) -Wl,--version 2>/dev/null),$(linker_$(1)))
WRAPPED += $(or $(call can_link,mold),$(call can_link,lld),$(call can_link,gold))

# build/flags changes with the compiler or a flag; then make compiles everything again.
flags := $(CC) $(WERROR) $(CFLAGS) $(PLAIN) $(RELEASE) $(WATCHED) $(FLAGS_OF_LIBRARIES) $(WRAPPED) $(LIBRARIES)
ifneq ($(file <$(BUILD)/flags),$(flags))
$(shell mkdir -p $(BUILD))
$(file >$(BUILD)/flags,$(flags))
endif

# build/path changes with PATH, which says what the names of the compiler and of the linkers stand for.
ifneq ($(file <$(BUILD)/path),$(PATH))
$(shell mkdir -p $(BUILD))
$(file >$(BUILD)/path,$(PATH))
endif
endif

COMPILE = $(CC) $(1) $(FLAGS_OF_LIBRARIES) $(CFLAGS) -MMD -MP
linked  = $(foreach kind,%.o %/grader.a %/common.a,$(filter $(kind),$^))

# The first goal: build every program of the student that compiles.
all: $(STUDENTS:=.log)
	@status=0; for program in $(STUDENTS); do \
	  [ -x $$program ] || { cat $$program.log; status=1; }; \
	done; exit $$status

$(BUILD)/obj/plain/%.o: %.c $(BUILD)/flags
	$(call say,CC  ,$<)
	@mkdir -p $(@D)
	$Q$(call COMPILE,$(PLAIN)) $(WERROR) -c $< -o $@

$(BUILD)/obj/release/%.o: %.c $(BUILD)/flags
	$(call say,CC  ,$< (release))
	@mkdir -p $(@D)
	$Q$(call COMPILE,$(RELEASE)) $(WERROR) -c $< -o $@

$(BUILD)/obj/threaded/%.o: %.c $(BUILD)/flags
	$(call say,CC  ,$< (for threads))
	@mkdir -p $(@D)
	$Q$(call COMPILE,$(THREADED)) $(WERROR) -c $< -o $@

$(BUILD)/obj/sanitized/%.o: %.c $(BUILD)/flags
	$(call say,CC  ,$< (sanitized))
	@mkdir -p $(@D)
	$Q$(call COMPILE,$(SANITIZED)) $(WERROR) -c $< -o $@

# The assembler puts the page's template into page.o; make does not see this dependency by itself.
$(BUILD)/obj/plain/grader/page/page.o $(BUILD)/obj/sanitized/grader/page/page.o: $(wildcard grader/page/page.* grader/page/*.js)

$(BUILD)/obj/plain/common.a: $(COMMON:%.c=$(BUILD)/obj/plain/%.o)
$(BUILD)/obj/plain/grader.a: $(GRADER:%.c=$(BUILD)/obj/plain/%.o)
$(BUILD)/obj/sanitized/common.a: $(COMMON:%.c=$(BUILD)/obj/sanitized/%.o)
$(BUILD)/obj/sanitized/grader.a: $(GRADER:%.c=$(BUILD)/obj/sanitized/%.o)
$(addprefix $(BUILD)/obj/,plain/common.a plain/grader.a sanitized/common.a sanitized/grader.a fuzz/common.a fuzz/shared.a):
	@rm -f $@
	$Qar rcs $@ $^

# The parts that each lab writes by hand: its programs get neither their headers nor their code from common/.
by_hand_lab01 := connection server client stream
by_hand_lab02 := server client stream
by_hand_lab03 := $(by_hand_lab02)
by_hand_lab06 := tls handshake
lab_of        = $(firstword $(subst -, ,$(1)))
# (tls.h stays: it defines the steps of a handshake.)
headers_of    = $(filter-out $(patsubst %,common/%.h,$(filter-out tls,$(by_hand_$(1)))),$(wildcard common/*.h))
is_by_hand    = $(filter $(foreach name,$(by_hand_$(1)),$(name).o $(name)_%),$(notdir $(2)))
objects_of    = $(foreach object,$(COMMON:%.c=$(BUILD)/obj/sanitized/%.o),$(if $(call is_by_hand,$(1),$(object)),,\
                  $(if $(filter lab06/transport.o,$(1)/$(notdir $(object))),$(BUILD)/obj/sanitized/lab06/transport.o,$(object))))

# Lab 6 has only the student's handshake: a transport without one says so.
$(BUILD)/obj/sanitized/lab06/transport.o: $(BUILD)/obj/sanitized/common/transport.o Makefile
	@mkdir -p $(@D)
	$Qobjcopy --redefine-sym tls_handshake=tls_no_handshake $< $@

# Compile a known mistake, which grader/mistakes/mistakes.py puts there, like a student's program.
mistake-programs: $(GRADER_BUILT) $(patsubst %.c,%.log,$(wildcard $(BUILD)/mistakes/*/*/*/*.c))
$(BUILD)/mistakes/%.log: $(BUILD)/mistakes/%.c $(BUILD)/obj/sanitized/common.a $(BUILD)/flags
	@rm -f $(basename $@)
	$Q$(call COMPILE,$(WATCHED)) -MF $(basename $@).d -MT $@ $(filter %.c %.a,$^) \
	  $(WRAPPED) $(LIBRARIES) -o $(basename $@) >$@ 2>&1 || true

.SECONDEXPANSION:
$(BUILD)/solutions/%.log: $$(*D)/solution/$$(*F).c $(BUILD)/obj/sanitized/common.a $(BUILD)/flags
	$(call say,CC  ,$<)
	@mkdir -p $(@D)
	$Q$(call COMPILE,$(WATCHED)) $(WERROR) -MF $(basename $@).d -MT $@ $(filter %.c %.a,$^) \
	  $(WRAPPED) $(LIBRARIES) -o $(basename $@) >$@ 2>&1 && cat $@ || { cat $@; rm -f $(basename $@); exit 1; }

$(BUILD)/obj/sanitized/lab%.a: $$(call objects_of,lab$$*)
	@rm -f $@
	$Qar rcs $@ $^

# What the compiler needs of this machine. (Most changes of what is installed change ld.so.cache too.)
COMPILER_FILES := $(BUILD)/grader/compiler.files
$(COMPILER_FILES): $(wildcard grader/tools/compiler_files.* /etc/ld.so.cache) $(BUILD)/flags $(BUILD)/path
	@mkdir -p $(@D)
	@sh grader/tools/compiler_files.sh $(CC) $(CFLAGS) $(LIBRARIES) >$@
COMPILING := $(BUILD)/grader/compile $(COMPILER_FILES) $(BUILD)/grader/guard

# A student's program is a stranger's file: only grader/sandbox/compile.c takes it. If it does not compile,
# the compiler's messages are in its .log and there is no program; make goes on, and the grader reads the log.
# (The file, the program, its lab, the lab's archive, the folder of grader/compile.)
compile_stranger = $(5)/grader/compile --source $(1) --output $(2) --files $(5)/grader/compiler.files \
  $(addprefix --header ,$(call headers_of,$(3))) --archive $(4) \
  -- $(CC) $(WATCHED) $(FLAGS_OF_LIBRARIES) $(CFLAGS) $(WRAPPED) $(LIBRARIES)
$(BUILD)/labs/%.log: $(BUILD)/obj/sanitized/$$(call lab_of,$$*).a $(COMPILING) FORCE
	+@$(call compile_stranger,$*.c,$(BUILD)/labs/$*,$(call lab_of,$*),$(call quote,$(abspath $<)),$(BUILD))

# A bonus that is a program: labNN-name/bonus/X.c, or the solution of it. It may use all of common/.
$(BUILD)/bonus/%.log: $(BUILD)/obj/sanitized/common.a $(COMPILING) FORCE
	+@$(call compile_stranger,$*.c,$(BUILD)/bonus/$*,bonus,$(call quote,$(abspath $<)),$(BUILD))

# A submission is a stranger's file too. Copy it to build/submission, and compile it there.
SUBMITTED := $(if $(SUBMISSION),$(STUDENTS:$(BUILD)/labs/%=$(BUILD)/submission/%))
# Remove the results of an earlier submission, in case take.sh cannot take this one.
$(BUILD)/submission/taken: FORCE
	@rm -f $(addprefix $(BUILD)/grade/,results.json results.xml results.tap index.html)
	@sh grader/tools/take.sh $(call quote,$(SUBMISSION)) $(BUILD)/submission $(STUDENTS:$(BUILD)/labs/%=%.c)
$(BUILD)/submission/%.log: $(BUILD)/obj/sanitized/$$(call lab_of,$$*).a $(COMPILING) FORCE | $(BUILD)/submission/taken
	+@[ ! -e $(BUILD)/submission/$*.c ] || $(call compile_stranger,$(BUILD)/submission/$*.c,$(BUILD)/submission/$*,$(call lab_of,$*),$(call quote,$(abspath $<)),$(BUILD))

# The same for a class, by a script: compile.sh FILE PROGRAM LAB. (The script has every lab, whatever LAB says.) It works
# in a copy of build/ too: grader/class/kit.py.
archives_of_labs := $(patsubst %,$(BUILD)/obj/sanitized/%.a,$(sort $(foreach lab,$(wildcard lab[0-9][0-9]-*),$(call lab_of,$(lab)))))
define newline


endef
close := )
define compile_script
build=$$(cd "$$(dirname "$$0")/.." && pwd) || exit 2
case $$3 in
$(foreach archive,$(archives_of_labs),$(basename $(notdir $(archive)))$(close) exec \
  $(call compile_stranger,"$$1","$$2",$(basename $(notdir $(archive))),"$$build/$(archive:$(BUILD)/%=%)","$$build") ;;$(newline))
*$(close) echo "compile.sh: no lab $$3" >&2; exit 2 ;;
esac
endef
$(BUILD)/class/compile.sh: $(archives_of_labs) $(COMPILING) $(BUILD)/flags Makefile
	$(shell mkdir -p $(@D))$(file >$@,$(compile_script))

# The grader's checks are Criterion tests that nothing refers to, so link the objects themselves here.
# Everywhere else, link the archive: the linker takes only the objects that it needs.
$(BUILD)/grader/grade: $(BUILD)/obj/plain/grader/grade/main.o $(GRADER:%.c=$(BUILD)/obj/plain/%.o) | $(BUILD)/grader/no_git
$(BUILD)/grader/grade: private without = $(without_git)
without_git = -Wl,--no-as-needed $$(find $(BUILD)/grader/no_git -type f) -Wl,-rpath,'$$ORIGIN/no_git:$$ORIGIN/../grader/no_git'
$(BUILD)/grader/no_git: $(BUILD)/flags Makefile
	@sh grader/tools/no_git.sh $(CC) $@
# The guard starts with each program: a static one takes half as long.
$(BUILD)/grader/guard: private LIBRARIES =
$(BUILD)/grader/guard: private CRITERION = -static
$(BUILD)/grader/guard: $(BUILD)/obj/plain/grader/sandbox/guard.o $(BUILD)/obj/plain/grader.a
$(BUILD)/grader/compile: $(BUILD)/obj/plain/grader/sandbox/compile.o $(BUILD)/obj/plain/grader.a
# These two, for `make live` and `make serve`, need no other room: nobody waits for the whole grader.
$(BUILD)/grader/serve: $(patsubst %.c,$(BUILD)/obj/plain/%.o,$(wildcard grader/serve/*.c))
$(BUILD)/grader/lecture: $(patsubst %.c,$(BUILD)/obj/plain/%.o,$(wildcard \
                           $(patsubst %,grader/lecture/%.c,main ask loss lossy)))
$(BUILD)/grader/relay: $(BUILD)/obj/plain/grader/lecture/relay.o $(BUILD)/obj/plain/grader.a
$(BONUS_CHECKS): $(BUILD)/grader/%: $(BUILD)/obj/plain/grader/bonus/%.o $(BUILD)/obj/plain/grader.a
$(BUILD)/grader/predict: $(BUILD)/obj/plain/grader/predict/main.o $(BUILD)/obj/plain/grader.a
$(BUILD)/grader/trace_page: $(BUILD)/obj/plain/grader/page/main.o $(BUILD)/obj/plain/grader.a
$(BUILD)/grader/todos: $(BUILD)/obj/plain/grader/words/main.o $(BUILD)/obj/plain/grader/words/source.o
$(GRADER_BUILT): $(BUILD)/obj/plain/common.a
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$Q$(CC) $(PLAIN) $(CFLAGS) $(linked) $(without) $(LIBRARIES) $(CRITERION) -o $@

# The filters for system calls, which guard loads; only the program that makes them needs libseccomp.
$(BUILD)/grader/make_filters: $(BUILD)/obj/plain/grader/sandbox/make_filters.o
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$Q$(CC) $(PLAIN) $(CFLAGS) $(filter %.o,$^) -lseccomp -o $@
$(FILTERS) &: $(BUILD)/grader/make_filters
	@$(BUILD)/grader/make_filters $(BUILD)/grader
$(filter-out $(LIVE_BUILT),$(GRADER_BUILT)): | $(FILTERS)

objects_of_tests = $(patsubst %.c,$(BUILD)/obj/sanitized/%.o,$(sort $(wildcard $(1)/tests/*.c common/tests/leaks.c)))
$(BUILD)/tests/common_tests: $(call objects_of_tests,common)
$(BUILD)/tests/grader_tests: $(call objects_of_tests,grader) $(BUILD)/obj/sanitized/grader.a
$(TESTS): $(BUILD)/obj/sanitized/common.a | $(BUILD)/grader/no_git
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$Q$(CC) $(SANITIZED) $(CFLAGS) $(linked) $(without_git) $(LIBRARIES) $(CRITERION) -o $@

# Programs that use the public headers: common/examples/README.md.
$(BUILD)/examples/%: $(BUILD)/obj/sanitized/common/examples/%.o $(BUILD)/obj/sanitized/common.a
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$Q$(CC) $(SANITIZED) $(CFLAGS) $(linked) $(LIBRARIES) -o $@

# Test several threads at once, with ThreadSanitizer.
$(BUILD)/tests/threads: $(patsubst %.c,$(BUILD)/obj/threaded/%.o,$(COMMON) common/tests/threads/loops.c)
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$Q$(CC) $(THREADED) $(CFLAGS) $^ $(LIBRARIES) -o $@

# Build the bench as for an installation: optimised as a whole, and with nghttp2
# linked in, if it also comes as an archive.
released        = $(patsubst %.c,$(BUILD)/obj/release/%.o,$(filter-out $(patsubst %,common/inner/%.c,misuse probe quick_start touched),$(COMMON)))
nghttp2_archive = $(wildcard $(shell pkg-config --variable=libdir libnghttp2)/libnghttp2.a)

$(BUILD)/bench/%: $(BUILD)/obj/release/common/bench/%.o $$(released)
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$Q$(CC) $(RELEASE) $(CFLAGS) $(filter %.o,$^) $(nghttp2_archive) $(LIBRARIES) -o $@

$(BUILD)/bench/labs/%: $$(*D)/solution/$$(*F).c $$(released) $(BUILD)/flags
	$(call say,CC  ,$< (release))
	@mkdir -p $(@D)
	$Q$(call COMPILE,$(RELEASE)) $(WERROR) -MF $@.d -MT $@ $(filter %.c %.o,$^) $(nghttp2_archive) $(LIBRARIES) -o $@

# The shared files come before common/: they redefine some of its functions.
$(BUILD)/fuzz/%: $(BUILD)/obj/fuzz/common/fuzz/%.o $(BUILD)/obj/fuzz/shared.a $(BUILD)/obj/fuzz/common.a
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$Qclang $(FUZZING) -fsanitize=fuzzer $(CFLAGS) -Wl,--start-group $^ -Wl,--end-group $(LIBRARIES) -o $@

$(BUILD)/obj/fuzz/common.a: $(COMMON:%.c=$(BUILD)/obj/fuzz/%.o)
$(BUILD)/obj/fuzz/shared.a: $(FUZZ_SHARED:%.c=$(BUILD)/obj/fuzz/%.o)
$(BUILD)/obj/fuzz/%.o: %.c $(BUILD)/flags
	$(call say,CC  ,$< (fuzz))
	@mkdir -p $(@D)
	$Qclang $(FUZZING) $(FLAGS_OF_LIBRARIES) $(CFLAGS) -MMD -MP $(WERROR) -c $< -o $@

# Programs that misbehave on purpose, so compile them without warnings.
$(BUILD)/tests/hostile/%: grader/tests/hostile/%.c $(BUILD)/flags
	$(call say,CC  ,$<)
	@mkdir -p $(@D)
	$Q$(call COMPILE,$(FLAGS)) -w -MF $@.d $< -pthread -o $@
$(BUILD)/tests/hostile/%: grader/tests/hostile/sanitized/%.c $(BUILD)/flags
	$(call say,CC  ,$<)
	@mkdir -p $(@D)
	$Q$(call COMPILE,$(FLAGS)) -w -fsanitize=address,undefined -MF $@.d $< -pthread -o $@

# Right programs that look different: they share nothing with common/.
$(BUILD)/tests/variants/c/%: grader/tests/variants/c/%.c $(wildcard grader/tests/variants/c/*.[ch]) $(BUILD)/flags
	$(call say,CC  ,$<)
	@mkdir -p $(@D)
	$Q$(CC) $(SANITIZED) $(WERROR) $(FLAGS_OF_LIBRARIES) $(CFLAGS) $(filter %.c,$^) $(LIBRARIES) -o $@

-include $(wildcard $(BUILD)/obj/*/*/*.d $(BUILD)/obj/*/*/*/*.d $(BUILD)/obj/*/*/*/*/*.d $(BUILD)/solutions/*/*.d \
           $(BUILD)/tests/hostile/*.d $(BUILD)/bench/labs/*/*.d)

# --- Commands -----------------------------------------------------------------------------------------
# `+` gives a command the terminal, which --output-sync would take away.

## make                  build your programs, in build/labs
## make help             list the commands
help:
	@sed -n 's/^## //p' Makefile

## make grade            build and grade your programs. Variables: LAB=03 CHECK=id SEED=n,
##                       STRICT=1 (fail unless you get full marks), SOLUTION=1 (grade the reference
##                       solutions), SUBMISSION=DIR (grade the files DIR/labNN-name/X.c or DIR/X.c of a student),
##                       PROGRAMS=DIR (grade the executables DIR/labNN-name/program),
##                       PCAP=1 (write build/grade/checks/labNN.id.pcapng, for Wireshark),
##                       COURSE=FILE (what the labs are worth in a course; course.conf, if it is here),
##                       BUILD=DIR, for every command (build in DIR, and write nothing into this folder),
##                       STRANGERS=1 (refuse to grade without enough protection; UNPROTECTED=1: grade anyway)
# Do not grade a program whose file is gone: an earlier file's program may still be there.
stale := $(foreach program,$(filter-out %.log %.key %.new,$(wildcard $(BUILD)/labs/*/*)),\
           $(if $(wildcard $(program:$(BUILD)/labs/%=%.c)),,$(program)))
ifneq ($(stale),)
$(shell rm -f $(stale))
endif

# The course's labs and points: COURSE=FILE, or course.conf, if it is here.
course := $(or $(COURSE),$(wildcard course.conf))
# Criterion makes its own process group, so pass Ctrl-C on.
graded := $(or $(PROGRAMS),$(BUILD)/$(if $(SUBMISSION),submission,$(if $(SOLUTION),solutions,labs)))
grade: $(GRADER_BUILT) $(if $(PROGRAMS),,$(if $(SUBMISSION),$(SUBMITTED:=.log),$(if $(SOLUTION),$(SOLUTIONS:=.log),$(STUDENTS:=.log))))
	+@trap 'kill -- -$$! || kill $$!' INT TERM; \
	$(BUILD)/grader/grade --programs $(call quote,$(graded)) --output $(BUILD)/grade $(if $(PROGRAMS),--any-language) $(if $(LAB),--lab $(lab_number)) \
	  $(if $(CHECK),--check $(call quote,$(CHECK))) $(if $(SEED),--seed $(call quote,$(SEED))) $(if $(STRICT),--strict) \
	  $(if $(course),--course $(call quote,$(course))) \
	  $(if $(PCAP),--pcap) $(if $(STRANGERS)$(SUBMISSION),--strangers) & \
	wait $$!

# BEGIN TEACHERS
## make handout OUT=DIR  make the repository that students get, without solutions, and try it [LABS=01,02]
##                       [HINTS=0] [ZIP=1] [COURSE=FILE: what the labs are worth in your course]
handout:
	$(if $(OUT),,$(error where? Say OUT=DIR))
	+@python3 grader/class/handout.py $(if $(filter 0,$(HINTS)),--no-hints) $(if $(ZIP),--zip) \
	  $(if $(LABS),--labs $(call quote,$(LABS))) $(if $(COURSE),--course $(call quote,$(COURSE))) $(call quote,$(OUT))

## make class SUBMISSIONS=DIR|ZIP  grade the submissions of a class, as an LMS gives them [LAB=02] [OUT=class]
##                       [ROSTER=FILE.csv] [JOBS=n] [SEED=n]: OUT/grades.csv, OUT/problems.txt, OUT/ID/index.html
##                       [DUE=2026-12-01T23:59: of several tries, the last before this counts]
##                       [HOSTS=a,b: machines that grade, by ssh] [ENGINE=slurm: a cluster grades]
class: $(GRADER_BUILT) $(BUILD)/class/compile.sh
	$(if $(SUBMISSIONS),,$(error what is to be graded? Say SUBMISSIONS=DIR))
	+@python3 grader/class/grade_class.py $(if $(LAB),--lab $(lab_number)) $(if $(ROSTER),--roster $(call quote,$(ROSTER))) \
	  $(if $(DUE),--due $(call quote,$(DUE))) $(if $(JOBS),--jobs $(call quote,$(JOBS))) $(if $(HOSTS),--hosts $(call quote,$(HOSTS))) $(if $(ENGINE),--engine $(call quote,$(ENGINE))) $(if $(SEED),--seed $(call quote,$(SEED))) \
	  $(call quote,$(SUBMISSIONS)) $(call quote,$(or $(OUT),class))

## make regrade ID=x     grade one student of a class again, and show the old and the new points [LAB=02] [CLASS=class]
regrade: $(GRADER_BUILT) $(BUILD)/class/compile.sh
	$(if $(ID),,$(error whom? Say ID=, as in class/grades.csv))
	+@python3 grader/class/regrade.py $(if $(LAB),--lab $(lab_number)) $(call quote,$(or $(CLASS),class)) $(call quote,$(ID))

## make similar          find pairs of students whose files are too alike: class/similar.html shows them [LAB=02]
##                       [THRESHOLD=80: percent] [CLASS=class]
similar:
	@python3 grader/class/similar.py $(if $(LAB),--lab $(lab_number)) \
	  $(if $(THRESHOLD),--threshold $(call quote,$(THRESHOLD))) $(call quote,$(or $(CLASS),class))

## make class-report     what the class has understood, and what not: class/report.html and .txt [CLASS=class]
##                       [COURSE=FILE: a line "lab01 = 10" for each lab that counts; see grader/class/README.md]
class-report:
	@python3 grader/class/report.py $(if $(COURSE),--course $(call quote,$(COURSE))) $(call quote,$(or $(CLASS),class))

## make export ROSTER=FILE.csv  put the points of a class into the table of an LMS [FOR=canvas|moodle|csv] [OUT=FILE.csv]
##                       [COLUMN='Lab 02 (1234)'] [CLASS=class] [COURSE=FILE, as for class-report]
##                       [DUE=2026-12-01T23:59 LATE=10%/day: each begun day after the deadline costs 10% of the points]
export:
	$(if $(ROSTER),,$(error which table? Say ROSTER=FILE.csv))
	+@python3 grader/class/export.py $(if $(FOR),--format $(call quote,$(FOR))) $(if $(COLUMN),--column $(call quote,$(COLUMN))) \
	  $(if $(COURSE),--course $(call quote,$(COURSE))) $(if $(DUE),--due $(call quote,$(DUE))) $(if $(LATE),--late $(call quote,$(LATE))) \
	  $(call quote,$(or $(CLASS),class)) $(call quote,$(ROSTER)) $(if $(OUT),$(call quote,$(OUT)))

## make autograder OUT=FILE.zip|DIR  make the zip for Gradescope, or the folder for another system [LAB=02]
##                       [FOR=gradescope|prairielearn|autolab|github]
autograder:
	$(if $(OUT),,$(error where? Say OUT=FILE.zip))
	+@python3 grader/class/autograder.py $(if $(FOR),--for $(call quote,$(FOR))) $(if $(LAB),--lab $(lab_number)) $(call quote,$(OUT))

## make autograder-try ZIP=FILE.zip SUBMISSION=DIR  run Gradescope's autograder in a bare Debian, with half a processor and
##                       768 MB [SUITE=bookworm]; needs root and debootstrap
autograder-try:
	$(if $(ZIP),,$(error which autograder? Say ZIP=FILE.zip))
	$(if $(SUBMISSION),,$(error whose submission? Say SUBMISSION=DIR))
	+@$(if $(SUITE),SUITE=$(call quote,$(SUITE))) bash grader/class/autograder_try.sh $(call quote,$(ZIP)) $(call quote,$(SUBMISSION))
# END TEACHERS

## make protection       show what confines a stranger's program on this machine, and what is missing
protection: $(BUILD)/grader/grade
	@$(BUILD)/grader/grade --protection

## make report           grade, and open the page that every grading writes: build/grade/index.html
report: grade
	@sh grader/tools/open.sh $(BUILD)/grade/index.html

## make trace-page TRACE=FILE.json   draw a trace that H2_TRACE=FILE.json recorded, as a page
drawn = $(BUILD)/trace/$(patsubst %.json,%,$(lastword $(subst /, ,$(TRACE)))).html
trace-page: $(BUILD)/grader/trace_page
	$(if $(TRACE),,$(error which trace? Say TRACE=FILE.json))
	@mkdir -p $(BUILD)/trace
	@$(BUILD)/grader/trace_page $(call quote,$(TRACE)) $(call quote,$(drawn))
	@sh grader/tools/open.sh $(call quote,$(drawn))

## make watch            grade again each time you save [LAB=03]
watch:
	+@sh grader/tools/watch.sh $(FOLDERS) -- $(MAKE) grade

# BEGIN TEACHERS
## make demo             give the lecture: every lab step by step, running live. Variables: LAB=03,
##                       STEP=3 (begin there), NOTES=1 (with the lecturer's notes), PAUSE=0 (never wait for a key),
##                       STUDENT=1 (your programs instead of the solutions),
##                       PCAP=1 (write build/demo/labNN-1.pcapng, ..., for Wireshark)
demo: $(GRADER_BUILT) $(if $(STUDENT),$(STUDENTS:=.log),$(SOLUTIONS:=.log))
	+@python3 grader/lecture/demo.py $(if $(STUDENT),--student) $(if $(filter 0,$(PAUSE)),,--pause) $(if $(NOTES),--notes) \
	  $(if $(STEP),--step $(call quote,$(STEP))) $(if $(PCAP),--pcap) $(FOLDERS)

## make slides LAB=02    give the lecture, and write it down as slides, one file [OUT=build/slides/lab02.html] [STUDENT=1]
slides: $(LIVE_BUILT) $(if $(STUDENT),$(STUDENTS:=.log),$(SOLUTIONS:=.log))
	$(if $(LAB),,$(error which lab? Say LAB=03))
	+@python3 grader/live/slides.py $(if $(STUDENT),--student) --out $(call quote,$(or $(OUT),$(BUILD)/slides/lab$(lab_number).html)) $(FOLDERS)

## make pictures         draw the README's pictures again, in grader/tools/dev/pictures
pictures: $(GRADER_BUILT) $(SOLUTIONS:=.log)
	+@sh grader/tools/dev/pictures.sh
# END TEACHERS

## make live             show in the browser what passes `make serve`, and programs with H2_TRACE=live [PORT=n]
# BEGIN TEACHERS
##                       and give the lecture there [LAB=02] [STUDENT=1]
# END TEACHERS
ifneq ($(filter live,$(MAKECMDGOALS)),)
ifeq ($(wildcard $(BUILD)/grader/serve),)
$(info Building what `make live` runs: common/, the reference server, and $(if $(LAB),the programs of $(FOLDERS),the programs of all labs). The first time, about a minute.)
endif
endif
live: $(LIVE_BUILT) $(if $(STUDENT),$(STUDENTS:=.log),$(SOLUTIONS:=.log))
	+@python3 grader/live/live.py $(if $(STUDENT),--student) $(if $(PORT),--port $(call quote,$(PORT))) $(FOLDERS)

## make serve            run the reference server [PORT=8000] [TLS=1, then on 8443]
##                       [MISBEHAVE=slow|late|hints|never|refuse|goaway|garbage|window|half]
##                       [TLS=expired|other-host|unknown|no-alpn|old: its certificate is build/serve/cert.pem]
tls_fault := $(filter expired other-host unknown no-alpn old,$(TLS))
serve: $(BUILD)/grader/serve $(if $(TLS),key.pem cert.pem)
	$(if $(tls_fault),@mkdir -p $(BUILD)/serve && cp key.pem cert.pem $(BUILD)/serve)
	+@export H2_TRACE="$${H2_TRACE-later}"; \
	  exec $(BUILD)/grader/serve $(if $(PORT),--port $(call quote,$(PORT))) $(if $(TLS),--tls) \
	  $(if $(tls_fault),--tls-fault $(tls_fault) --key $(BUILD)/serve/key.pem --cert $(BUILD)/serve/cert.pem) \
	  $(if $(MISBEHAVE),--misbehave $(call quote,$(MISBEHAVE)))

## make certs            make key.pem and cert.pem, for lab 6, if neither exists
certs: key.pem cert.pem
key.pem cert.pem &:
	@sh grader/tools/certs.sh

## make gdb LAB=03       debug your program [PROGRAM=client] [ARGS='...'] [SOLUTION=1]
debugged := $(filter $(if $(PROGRAM),%/$(PROGRAM),%),$(if $(SOLUTION),$(SOLUTIONS),$(STUDENTS)))
gdb: $(debugged:=.log)
	$(if $(filter 1,$(words $(debugged))),,$(error which program? Say LAB= and PROGRAM=, one of: \
	  $(notdir $(debugged))))
	+@ASAN_OPTIONS=detect_leaks=0:abort_on_error=1 UBSAN_OPTIONS=halt_on_error=1:abort_on_error=1 \
	  gdb -q --args $(debugged) $(ARGS)

## make reset LAB=03     put the starter back, and keep your file beside it as X.c.mine-1, -2, ...
reset:
	$(if $(LAB),,$(error which lab? Say LAB=03))
	@sh grader/tools/reset.sh $(FOLDERS)

## make predict LAB=02   predict which frames will go over the wire, for points beside the 100
predict: $(BUILD)/grader/predict
	+@python3 grader/predict/predict.py $(FOLDERS)

## make bonus LAB=02     check each bonus that you have begun, in labNN-name/bonus, for points beside the 100
##                       [EXERCISE=slow: only this one] [SOLUTION=1]
bonus: $(BONUS_CHECKS) $(BONUS:=.log)
	+@python3 grader/bonus/bonus.py $(if $(SOLUTION),--solution) $(if $(EXERCISE),--exercise $(call quote,$(EXERCISE))) $(FOLDERS)

## make hint LAB=03      give a hint for your TODO, and more with every call [TODO=2] [PROGRAM=client]
hint: $(BUILD)/grader/todos
	$(if $(LAB),,$(error which lab? Say LAB=03))
	@sh grader/tools/hint.sh $(FOLDERS) $(call quote,$(PROGRAM)) $(call quote,$(TODO))

## make solution LAB=03  show how your file differs from the solution, once the lab has full marks;
##                       FORCE=1: show it earlier
solution: $(GRADER_BUILT) $(STUDENTS:=.log)
	$(if $(LAB),,$(error which lab? Say LAB=03))
	+@sh grader/tools/solution.sh $(if $(FORCE),--force) $(FOLDERS)

## make deps             install what building, grading, lecture and mistakes need; `make deps-test`: what the tests
##                       need too; `make deps-class`: what `make class` needs; `make deps-pictures`
deps:
	@sh grader/tools/deps.sh build demo mistakes
deps-test:
	@sh grader/tools/deps.sh build demo mistakes test
deps-bench:
	@sh grader/tools/deps.sh build bench
deps-class:
	@sh grader/tools/deps.sh build class
deps-pictures:
	@sh grader/tools/deps.sh build demo pictures

# BEGIN TEACHERS
## make test             build and test everything here [ONLY=name, as in grader/tests/name.sh]
test: $(if $(filter-out fuzz,$(ONLY)),,$(if $(shell command -v clang),$(FUZZED))) $(TESTS) $(HOSTILE) $(VARIANTS) $(if $(filter-out bench connections floods bounds live soak,$(ONLY)),,$(BENCH) $(BENCHED_LABS)) \
      $(if $(filter-out threads,$(ONLY)),,$(BUILD)/tests/threads) $(if $(filter-out examples,$(ONLY)),,$(EXAMPLES)) \
      $(GRADER_BUILT) $(BUILD)/class/compile.sh $(STUDENTS:=.log) $(SOLUTIONS:=.log)
	+@python3 grader/tools/dev/run_tests.py $(if $(ONLY),--only $(call quote,$(ONLY))) $(TESTS) $(SCRIPTS)

## make fuzz             run each fuzz target for [SECONDS=60] [TARGET=server]: see common/fuzz/README.md
fuzz: $(FUZZED)
	+@python3 common/fuzz/run.py --seconds $(or $(SECONDS),60) $(TARGET)

## make bench            measure common/ beside nghttpd, h2o, nginx and Node.js, in build/bench/ [QUICK=1]
##                       [ONLY=speed,idle,...] [SERVERS=common,h2o,...]; `make deps-bench` installs them;
##                       `make bench-readme` puts the figures into common/bench/README.md
bench: $(BENCH) $(BENCHED_LABS) $(GRADER_BUILT) $(SOLUTIONS:=.log) $(BUILD)/obj/sanitized/common.a
	+@COMPILE=$(call quote,$(call COMPILE,$(WATCHED))) LINK=$(call quote,$(WRAPPED) $(LIBRARIES)) \
	  python3 common/bench/bench.py $(if $(QUICK),--quick) $(if $(ONLY),--only $(call quote,$(ONLY))) $(if $(SERVERS),--servers $(call quote,$(SERVERS)))
bench-readme:
	@python3 common/bench/bench_readme.py

## make platforms        build and grade on other, fresh systems: Debian 12, 13, sid, and arm64
##                       [ONLY=trixie] [MISTAKES=all]; `make platforms-readme` puts the table into README.md
platforms:
	+@bash grader/tools/dev/platforms.sh $(if $(ONLY),--only $(call quote,$(ONLY)))
platforms-readme:
	@bash grader/tools/dev/platforms.sh --readme

## make steady           grade the solutions [N=100] times while the machine is busy: all must get full marks;
##                       MISTAKES=1: 20 known mistakes of each lab [N=10] times: each must get the same points [LAB=02]
steady: $(GRADER_BUILT) $(SOLUTIONS:=.log) $(BUILD)/grader/todos
	+@sh grader/tools/dev/steady.sh $(or $(N),$(if $(MISTAKES),10,100)) $(if $(MISTAKES),mistakes $(if $(LAB),$(lab_number)))

## make mistakes         grade the known mistakes, and print which check catches each, and its words [LAB=03];
##                       WRITE=1 writes the table of the checks that each fails in [ROUNDS=3] gradings,
##                       grader/mistakes/known_mistakes.json; NEW=1: only for mistakes that the table lacks
mistakes: $(BUILD)/grader/todos
	+@python3 grader/mistakes/mistakes.py $(if $(WRITE),--write) $(if $(NEW),--new) $(if $(ROUNDS),--rounds $(call quote,$(ROUNDS))) $(if $(LAB),$(lab_number))

## make mutants          grade small automatic changes of the solutions: which do the checks catch, and with which
##                       words [LAB=02] [JOBS=n] [SAMPLE=n] [TAP=1]; LIST=1 prints each; WRITE=1 makes
##                       grader/mistakes/mutants.json, by which the grader knows how they fail
mutants: $(GRADER_BUILT) $(SOLUTIONS:=.log)
	+@COMPILE=$(call quote,$(call COMPILE,$(WATCHED))) LINK=$(call quote,$(WRAPPED) $(LIBRARIES)) \
	  python3 grader/mistakes/mutants.py $(if $(JOBS),--jobs $(call quote,$(JOBS))) $(if $(LIST),--list) \
	  $(if $(SAMPLE),--sample $(call quote,$(SAMPLE))) $(if $(TAP),--tap) $(if $(WRITE),--write) $(if $(LAB),$(lab_number))

## make variations       grade changes of the solutions that must not matter: all must get full marks [LAB=02]
##                       [JOBS=n] [TIMES=n] [SAMPLE=n] [TAP=1]
variations: $(GRADER_BUILT) $(SOLUTIONS:=.log)
	+@COMPILE=$(call quote,$(call COMPILE,$(WATCHED))) LINK=$(call quote,$(WRAPPED) $(LIBRARIES)) \
	  python3 grader/mistakes/variations.py $(if $(JOBS),--jobs $(call quote,$(JOBS))) $(if $(TIMES),--times $(call quote,$(TIMES))) \
	  $(if $(SAMPLE),--sample $(call quote,$(SAMPLE))) $(if $(TAP),--tap) $(if $(LAB),$(lab_number))

## make starters         derive every labNN-name/X.c from its solution; leave a file with somebody's work in it
##                       as it is, unless FORCE=1
starters:
	@sh grader/tools/dev/starters.sh $(if $(FORCE),--force) $(wildcard $(FOLDERS:=/solution/*.c) $(FOLDERS:=/bonus/solution/*.c))

## make format           format all C files by .clang-format
format:
	@clang-format -i $(SOURCES)

## make lint             run clang-format, clang-tidy, cppcheck, and gcc and clang with -Werror
lint:
	@FLAGS='$(FLAGS) $(FLAGS_OF_LIBRARIES)' sh grader/tools/dev/lint.sh $(SOURCES)

## make soak             a server under right, broken and hostile traffic for [MINUTES=20], with a restart each minute
soak: $(BENCH)
	+@python3 common/tests/soak.py $(or $(MINUTES),20)

## make bounds           measure what one client can cost a server: memory, processor time [QUICK=1]; WRITE=1 puts the
##                       tables into common/README.md
bounds: $(BENCH)
	+@python3 common/bench/bounds.py $(if $(QUICK),--quick) $(if $(WRITE),--write)
# END TEACHERS

## make version          print the version, which the pages show too
version:
	@sed -n 's/^#define GRADER_VERSION "\(.*\)"$$/\1/p' grader/base/version.h

## make clean            remove build/
clean:
	$(if $(filter build,$(BUILD)),,$(error it removes build/ only; $(BUILD) is yours to remove))
	@rm -rf build

##
## Every command takes V=1 (show the commands), CC=clang, CFLAGS='...', WERROR=-Werror (a warning is an error).

endif
