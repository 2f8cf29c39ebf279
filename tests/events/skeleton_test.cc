#include "events/skeleton.h"

#include <gmock/gmock.h>

#include <map>
#include <set>

#include "engine/xml/document.h"
#include "tests/events/corpus.h"
#include "tests/support/matchers.h"

namespace {

using events::Event;
using events::Field;
using events::Grain;
using events::Skeleton;
using events::Splitter;
using testing::ElementsAre;

std::string in_event(const std::string& system, const std::string& rest = "") {
  return "<Event xmlns='" + std::string(events::kEventNamespace) + "'><System>" + system + "</System>" + rest + "</Event>";
}

std::vector<std::string> holes_of(const std::string& xml, Grain grain = Grain::Fine) {
  Splitter splitter;
  if (!splitter.split(xml, grain)) return {"not cut"};
  auto skeleton = Skeleton::parse(splitter.skeleton());
  if (!skeleton.ok()) return {skeleton.error().message()};
  std::vector<std::string> holes;
  for (std::size_t i = 0; i < (*skeleton)->holes().size(); ++i) {
    const auto& hole = (*skeleton)->holes()[i];
    holes.push_back((hole.is_data ? "data " : "") + std::string(hole.is_attribute ? "@" : "") + hole.name + "=" +
                    std::string(splitter.values()[i]));
  }
  return holes;
}

bool can_cut(const std::string& xml) {
  Splitter splitter;
  return splitter.split(xml, Grain::Fine);
}

std::shared_ptr<const Skeleton> skeleton_of(const std::string& xml, Grain grain = Grain::Fine) {
  Splitter splitter;
  if (!splitter.split(xml, grain)) return nullptr;
  auto skeleton = Skeleton::parse(splitter.skeleton());
  return skeleton.ok() ? *skeleton : nullptr;
}

TEST(Splitter, CutsTextAndAttributesAndKeepsTheKindOfTheEvent) {
  EXPECT_THAT(holes_of(in_event(
                  "<Provider Name='P' Guid='{1}'/><EventID Qualifiers='7'>4624</EventID><Version>0</Version><Level>4"
                  "</Level><Task>1</Task><Opcode>0</Opcode><Keywords>0x80</Keywords><TimeCreated SystemTime='t'/>"
                  "<EventRecordID>5</EventRecordID><Correlation/><Channel>C</Channel><Computer>pc</Computer>",
                  "<EventData><Data Name='a'>1</Data><Data>2</Data><Data Name='e'></Data><Data Name='n'/></EventData>")),
              ElementsAre("@SystemTime=t", "EventRecordID=5", "Computer=pc", "data a=1", "data =2", "data e="));
}

TEST(Splitter, CutsAllOfSystemWhereTheGrainIsCoarse) {
  EXPECT_THAT(
      holes_of(in_event("<Provider Name='P'/><EventID Qualifiers='7'>4624</EventID><Channel>C</Channel>"), Grain::Coarse),
      ElementsAre("@Name=P", "@Qualifiers=7", "EventID=4624", "Channel=C"));
}

TEST(Splitter, KeepsTheKindOnlyWhereSystemStatesIt) {
  EXPECT_THAT(holes_of(in_event("<a><Level>3</Level></a>", "<UserData><x><Level>4</Level></x></UserData>")),
              ElementsAre("Level=3", "data Level=4"));
}

TEST(Splitter, LeavesDeclarationsAndWhiteSpaceBetweenElementsInTheSkeleton) {
  const std::string xml =
      "<e:Event xmlns:e='urn:e' xmlns = \"u\" >\n <e:System\t>\r\n<e:Computer a = 'b'> </e:Computer></e:System "
      ">\n</e:Event>";
  EXPECT_THAT(holes_of(xml), ElementsAre("@a=b", "Computer= "));
}

TEST(Splitter, TakesQuotesAndAnglesInsideAttributeValues) {
  EXPECT_THAT(holes_of(in_event("<Security UserID='a\"b>c/>'/>", "<x y=\"it's\"/>")),
              ElementsAre("@UserID=a\"b>c/>", "@y=it's"));
}

TEST(Splitter, GivesValuesAsTheyAreWritten) {
  EXPECT_THAT(holes_of(in_event("<Computer>&lt;&#65;</Computer>")), ElementsAre("Computer=&lt;&#65;"));
}

TEST(Splitter, DeclinesWhatIsMoreThanElementsAndText) {
  EXPECT_TRUE(can_cut(in_event("<Computer>a</Computer>")));
  EXPECT_FALSE(can_cut(in_event("<Computer>a<!-- c --></Computer>")));
  EXPECT_FALSE(can_cut(in_event("<Computer><![CDATA[a]]></Computer>")));
  EXPECT_FALSE(can_cut(in_event("<Computer><?pi x?>a</Computer>")));
  EXPECT_FALSE(can_cut(in_event("<Computer>a<b/></Computer>")));
  EXPECT_FALSE(can_cut(in_event("<Computer><b/>a</Computer>")));
  EXPECT_FALSE(can_cut(in_event("<Computer>a\x01</Computer>")));
  EXPECT_FALSE(can_cut(in_event("<Computer a='\x01'/>")));
  EXPECT_FALSE(can_cut(in_event("<Computer a='<'/>")));
  EXPECT_FALSE(can_cut(in_event(std::string("<Computer>\0</Computer>", 22))));
  EXPECT_FALSE(can_cut("<!DOCTYPE Event><Event/>"));
  EXPECT_FALSE(can_cut("<?xml version='1.0'?><Event/>"));
  EXPECT_FALSE(can_cut("text"));
  EXPECT_FALSE(can_cut(""));
}

TEST(Splitter, DeclinesWhatIsBeyondTheBounds) {
  std::string data;
  for (std::size_t i = 0; i < events::kMaxHoles; ++i) data += "<Data>1</Data>";
  EXPECT_TRUE(can_cut(in_event("<Level>1</Level>", data)));
  EXPECT_FALSE(can_cut(in_event("<Level>1</Level>", data + "<Data>1</Data>")));
  EXPECT_FALSE(can_cut(in_event("<Channel>" + std::string(events::kMaxSkeleton, 'c') + "</Channel>")));
  EXPECT_TRUE(can_cut(in_event("<Computer>" + std::string(3 << 20, 'c') + "</Computer>")));
}

TEST(Splitter, NeverReadsBeyondATextThatIsCutShort) {
  const std::string xml =
      in_event("<Provider Name='P'/><EventID>1</EventID><Computer>a</Computer>", "<a b=\"c\"><d>e</d> </a>");
  for (std::size_t size = 0; size < xml.size(); ++size) {
    const std::unique_ptr<char[]> exact(new char[size]);
    std::copy_n(xml.data(), size, exact.get());
    Splitter splitter;
    EXPECT_FALSE(splitter.split({exact.get(), size}, Grain::Fine));
  }
}

TEST(Splitter, RealEventsComeTogetherByteForByteAndSayTheSame) {
  for (const Grain grain : {Grain::Fine, Grain::Coarse}) {
    Splitter splitter;
    std::map<std::uint64_t, std::shared_ptr<const Skeleton>> known;
    for (const auto& event : events::corpus::events()) {
      ASSERT_TRUE(splitter.split(event.xml, grain)) << event.xml;
      auto& skeleton = known[splitter.hash()];
      if (!skeleton) {
        auto parsed = Skeleton::parse(splitter.skeleton());
        ASSERT_THAT(parsed, test_support::IsOk()) << event.xml;
        skeleton = *parsed;
      }
      ASSERT_TRUE(splitter.is(skeleton->text()));
      ASSERT_EQ(splitter.skeleton(), skeleton->text());
      std::string joined;
      skeleton->join(splitter.values(), joined);
      ASSERT_EQ(joined, event.xml);
      // What the skeleton knows is what each of its events says, and what the event knows is in one of both.
      std::uint32_t known_fields = skeleton->system().known;
      for (const auto& hole : skeleton->holes()) known_fields |= 1u << static_cast<unsigned>(hole.field);
      ASSERT_EQ(event.system.known & ~known_fields, 0u) << event.xml;
      ASSERT_EQ(skeleton->system().known & ~event.system.known, 0u) << event.xml;
      if (skeleton->system().knows(Field::EventId)) {
        ASSERT_EQ(skeleton->system().event_id, event.system.event_id);
      }
      if (skeleton->system().knows(Field::Provider)) {
        ASSERT_EQ(skeleton->system().provider, event.system.provider);
      }
    }
  }
}

TEST(Splitter, CutsWhatItKnowsAsWhatItDoesNot) {
  const std::string before =
      in_event("<Provider Name='P'/><EventID>1</EventID><TimeCreated SystemTime='t'/><Computer>a</Computer>",
               "<EventData><Data>v</Data></EventData>");
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string xml = before;
    return xml.replace(xml.find(from), from.size(), to);
  };
  Splitter kept;
  ASSERT_TRUE(kept.split(before, Grain::Fine));
  for (const std::string& xml :
       {before, changed(">v<", "><"), changed(">v<", ">" + std::string(100, 'v') + "<"), changed(">v<", "> v\"'> <"),
        changed(">v<", "><b/><"), changed(">v<", ">v<b/><"), changed(">v<", ">\x01<"), changed("='t'", "='t\"'"),
        changed("='t'", "=\"t\""), changed("='t'", "='<'"), changed("='t'", "='" + std::string(20, 't') + "\x01'"),
        changed("='t'", "='t' a='b'"), changed(">a<", ">a</Computer><Computer>b<"), changed("</Event>", "</Event> "),
        changed("</Event>", "</Event"), changed("</Event>", ""), changed("<Data>", "<Data/><Data>"), changed(">1<", ">2<"),
        changed("<Event ", "<event ")}) {
    Splitter fresh;
    const bool cut = fresh.split(xml, Grain::Fine);
    ASSERT_EQ(kept.split(xml, Grain::Fine), cut) << xml;
    if (!cut) continue;
    EXPECT_EQ(kept.hash(), fresh.hash()) << xml;
    EXPECT_EQ(kept.skeleton(), fresh.skeleton()) << xml;
    EXPECT_THAT(kept.values(), testing::ElementsAreArray(fresh.values())) << xml;
  }
}

TEST(Splitter, SkeletonsOfOneHashAreNotTakenForEachOther) {
  Splitter splitter;
  ASSERT_TRUE(splitter.split(in_event("<Level>4</Level><Computer>a</Computer>"), Grain::Fine));
  const std::string four = splitter.skeleton();
  const std::uint64_t hash = splitter.hash();
  EXPECT_TRUE(splitter.is(four));
  EXPECT_FALSE(splitter.is(four + "x"));
  EXPECT_FALSE(splitter.is(std::string_view(four).substr(1)));
  ASSERT_TRUE(splitter.split(in_event("<Level>5</Level><Computer>a</Computer>"), Grain::Fine));
  EXPECT_NE(splitter.hash(), hash);
  EXPECT_FALSE(splitter.is(four));
}

TEST(Skeleton, KnowsWhatEachHoleStates) {
  const auto skeleton = skeleton_of(
      in_event("<Provider Name='P'/><EventID>4624</EventID><TimeCreated SystemTime='t'/><EventRecordID>5</EventRecordID>"
               "<Correlation ActivityID='a' RelatedActivityID='r'/><Execution ProcessID='1' ThreadID='2' Other='3'/>"
               "<Computer>c</Computer><Security UserID='u'/>"));
  ASSERT_TRUE(skeleton);
  std::vector<Field> fields;
  for (const auto& hole : skeleton->holes()) fields.push_back(hole.field);
  EXPECT_THAT(fields, ElementsAre(Field::Time, Field::RecordId, Field::ActivityId, Field::RelatedActivityId,
                                  Field::ProcessId, Field::ThreadId, Field::None, Field::Computer, Field::UserId));
  EXPECT_EQ(skeleton->hole_of(Field::Computer), 7u);
  EXPECT_EQ(skeleton->hole_of(Field::EventId), std::nullopt);
  EXPECT_EQ(skeleton->hole_of(Field::None), std::nullopt);
  EXPECT_EQ(skeleton->system().event_id, 4624);
  EXPECT_TRUE(skeleton->system().knows(Field::EventId));
  EXPECT_FALSE(skeleton->system().knows(Field::Computer));
  EXPECT_EQ(skeleton->system().computer, "");
}

TEST(Skeleton, TakesSysmonForLinuxUserId) {
  const auto own_way = skeleton_of(in_event("<Security UserId='0'/>"));
  ASSERT_TRUE(own_way);
  EXPECT_EQ(own_way->hole_of(Field::UserId), 0u);
  const auto both = skeleton_of(in_event("<Security UserId='0' UserID='1'/>"));
  ASSERT_TRUE(both);
  EXPECT_EQ(both->hole_of(Field::UserId), 1u);
}

TEST(Skeleton, AFieldStatedTwiceIsNobodys) {
  const auto elements = skeleton_of(in_event("<Computer>a</Computer><Computer>b</Computer>"));
  ASSERT_TRUE(elements);
  EXPECT_EQ(elements->hole_of(Field::Computer), std::nullopt);
  EXPECT_FALSE(elements->system().knows(Field::Computer));
  const auto attributes = skeleton_of(in_event("<Execution ProcessID='1' ProcessID='2'/>"));
  ASSERT_TRUE(attributes);
  EXPECT_EQ(attributes->hole_of(Field::ProcessId), std::nullopt);
  const auto first_only = skeleton_of(in_event("<Correlation ActivityID='1'/><Correlation/>"));
  ASSERT_TRUE(first_only);
  EXPECT_EQ(first_only->hole_of(Field::ActivityId), std::nullopt);
  const auto systems = skeleton_of(in_event("<Computer>a</Computer></System><System><Level>1</Level>"));
  ASSERT_TRUE(systems);
  EXPECT_EQ(systems->hole_of(Field::Computer), std::nullopt);
  EXPECT_EQ(systems->system().known, 0u);
}

TEST(Skeleton, RefusesHolesWhereNoValueIsCut) {
  const std::string hole(1, events::kHole);
  EXPECT_THAT(Skeleton::parse(in_event("<Computer>" + hole + "</Computer>")), test_support::IsOk());
  for (const std::string& system :
       {"<Comp" + hole + "/>", "<a>x" + hole + "</a>", "<a> " + hole + "</a>", "<a>" + hole + hole + "</a>",
        "<a b='x" + hole + "'/>", "<a " + hole + "='x'/>", "<a>" + hole + "<b/></a>", "<a><![CDATA[" + hole + "]]></a>",
        "<!--" + hole + "-->", "<Data Name='" + hole + "'/>", "<a xmlns:b='" + hole + "'/>", std::string("</a>"),
        std::string("<a>")}) {
    EXPECT_THAT(Skeleton::parse(in_event(system)), test_support::IsError(std::errc::invalid_argument)) << system;
  }
  EXPECT_THAT(Skeleton::parse("<Event></Event>"), test_support::IsError(std::errc::invalid_argument));
  EXPECT_THAT(Skeleton::parse("<Other><System/></Other>"), test_support::IsError(std::errc::invalid_argument));
  EXPECT_THAT(Skeleton::parse(""), test_support::IsError(std::errc::invalid_argument));
}

}  // namespace
